import { readFileSync } from 'node:fs';
import { at, batchRecord, claimBytes, fenceOf, headOf, openRecord } from '../conformance/events.js';
import { type EventStamp, type PackedRecords, RecordPacker } from '../packed-records.js';
import type { Appender, Log, PartitionBatch } from '../port.js';
import { encodeRecord } from '../record-codec.js';
import { readRecordEvents } from '../record-reader.js';
import type { BatchRecord } from '../records.js';

/** Of the one topic that is written. */
export const partitions = 4;
/** What every event holds, beside a key of 8 bytes. */
export const value = Buffer.alloc(160, 'v');
/** Events per publish, and how many publishes of that size are measured. */
export const shapes: readonly (readonly [events: number, rounds: number])[] = [
  [1, 500],
  [100, 300],
  [5_000, 200],
  [20_000, 50],
];

const fence = fenceOf(1);
const firstEnd = 10n;
const commit_bytes = 10n;
const read_bytes = 4 * 1024 * 1024;
const packer_bytes = 1024 * 1024;
const noColumns = new Uint8Array(0);

export interface ThroughputRow {
  readonly events_per_publish: number;
  readonly written_per_s: number;
  /** Of this process, packing included. */
  readonly write_cpu_us_per_event: number;
  readonly publish_p50_ms: number;
  readonly publish_p99_ms: number;
  readonly read_per_s: number;
  /** Undefined where there is no /proc. */
  readonly rss_anon_mb: number | undefined;
}

/** Writes events into a log through the port, and reads them back, as capture and an applier do. */
export class LogThroughput {
  readonly #log: Log;
  readonly #topic: string;
  readonly #appender: Appender;
  readonly #packers = Array.from({ length: partitions }, () => new RecordPacker(packer_bytes));
  #seq = 0n;
  #end = firstEnd;

  private constructor(log: Log, topic: string) {
    this.#log = log;
    this.#topic = topic;
    // After the claim: a claim retires the appenders before it.
    this.#appender = log.appender(fence);
  }

  /** Claims an empty log, makes `topic` and opens the chain. */
  static async open(log: Log, topic: string): Promise<LogThroughput> {
    await log.progress.appendClaim(claimBytes(log, fence), fence);
    await log.createTopic(topic, partitions);
    const bench = new LogThroughput(log, topic);
    const endOffsets = Array.from({ length: partitions }, () => 0n);
    const layout = [{ number: 1, name: topic, partitions, endOffsets }];
    const open = { ...openRecord(bench.#head(), at(bench.#end)), layout };
    await bench.#appender.publish([], () => encodeRecord(open));
    return bench;
  }

  /** Throws when not every event comes back. */
  async measure(events: number, rounds: number): Promise<ThroughputRow> {
    const records: BatchRecord[] = [];
    const latencies: number[] = [];
    const cpuBefore_s = cpu_s();
    const started_ms = performance.now();
    for (let i = 0; i < rounds; i++) {
      const begun_ms = performance.now();
      records.push(await this.#publish(events));
      latencies.push(performance.now() - begun_ms);
    }
    const written_ms = performance.now() - started_ms;
    const written_cpu_s = cpu_s() - cpuBefore_s;
    const total = events * rounds;
    const read_ms = await this.#readBack(records, total);
    latencies.sort((a, b) => a - b);
    return {
      events_per_publish: events,
      written_per_s: perSecond(total, written_ms),
      write_cpu_us_per_event: rounded((written_cpu_s / total) * 1e6),
      publish_p50_ms: rounded(latencies[rounds >> 1] ?? Number.NaN),
      publish_p99_ms: rounded(latencies[Math.floor(rounds * 0.99)] ?? Number.NaN),
      read_per_s: perSecond(total, read_ms),
      rss_anon_mb: rssAnon_mb(),
    };
  }

  async #readBack(records: readonly BatchRecord[], expected: number): Promise<number> {
    let seen = 0;
    const sink = {
      event: () => {
        seen++;
      },
    };
    const options = { signal: new AbortController().signal, max_bytes: read_bytes };
    const started_ms = performance.now();
    for (const record of records) await readRecordEvents(this.#log, record, () => this.#topic, sink, options);
    if (seen !== expected) throw new Error(`${seen} of ${expected} events came back`);
    return performance.now() - started_ms;
  }

  async #publish(events: number): Promise<BatchRecord> {
    const batches = this.#pack(events);
    const counts = new Map(batches.map(({ partition, records }) => [partition, records.count]));
    const [from, to] = [at(this.#end), at(this.#end + commit_bytes)];
    const head = this.#head();
    let record: BatchRecord | undefined;
    await this.#appender.publish(batches, (ranges) => {
      const named = ranges.map(({ partition, first, last }) => ({
        ...{ topic: 1, partition, first, last },
        count: counts.get(partition) ?? 0,
      }));
      record = batchRecord(head, from, to, named);
      return encodeRecord(record);
    });
    this.#end += commit_bytes;
    return record as BatchRecord;
  }

  #pack(events: number): PartitionBatch[] {
    const stamp: EventStamp = {
      ...{ flags: 0, epoch: fence.epoch, relationVersion: 1 },
      ...{ commitHigh: 0, commitLow: Number(this.#end), ordinalHigh: 0, ordinalLow: 0 },
    };
    for (const packer of this.#packers) packer.reset();
    for (let i = 0; i < events; i++) {
      const packer = this.#packers[i % partitions] as RecordPacker;
      stamp.ordinalLow = i;
      packer.begin(stamp, noColumns);
      packer.out.u64(BigInt(i));
      packer.beginValue(true);
      packer.out.bytes(value);
      packer.end();
    }
    const packed = this.#packers.map((packer): PackedRecords => packer.records());
    return packed.flatMap((records, partition) =>
      records.count > 0 ? [{ topic: this.#topic, partition, records }] : [],
    );
  }

  #head(): ReturnType<typeof headOf> {
    this.#seq += 1n;
    return headOf(this.#log, fence, this.#seq);
  }
}

/** Processor time of this process so far. */
export function cpu_s(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

export const perSecond = (count: number, took_ms: number): number => Math.round(count / (took_ms / 1_000));

export const rounded = (figure: number): number => Number(figure.toFixed(2));

function rssAnon_mb(): number | undefined {
  try {
    const found = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
    return found ? Math.round(Number(found[1]) / 1_024) : undefined;
  } catch {
    return undefined;
  }
}
