import {
  type Appender,
  type BatchRecord,
  ChainReader,
  encodeRecord,
  type Fence,
  type OpenRecord,
  type PackedRecords,
  type PartitionBatch,
  type ProgressRecord,
  type RecordHead,
  RecordPacker,
} from '@millrace/log';
import { lsn, type Position } from '@millrace/model';
import { silentLogger, systemClock } from '@millrace/runtime';
import { openEmbeddedLog } from '../open.js';
import type { EmbeddedLog, EmbeddedLogOptions } from '../options.js';

export const topic = 'shop.public.orders';
export const topicNumber = 1;
export const partitions = 2;

export const openLog = (path: string, options: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> =>
  openEmbeddedLog({
    path,
    retention: { followers: 'hold' },
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });

const noColumns = new Uint8Array(0);
const nonce_bytes = 16;

/** `count` events of one commit, each with a value of `value_bytes`. */
export function eventsOf(epoch: number, commit: bigint, count: number, value_bytes = 20): PackedRecords {
  const packer = new RecordPacker(count * (value_bytes + 80));
  const value = Buffer.alloc(value_bytes, 'v');
  for (let i = 0; i < count; i++) {
    const [commitHigh, commitLow] = [Number(commit >> 32n), Number(commit & 0xffff_ffffn)];
    const stamp = {
      flags: 0,
      epoch,
      commitHigh,
      commitLow,
      ordinalHigh: 0,
      ordinalLow: i,
      relationVersion: 1,
    };
    packer.begin(stamp, noColumns);
    packer.out.u32(i);
    packer.beginValue(true);
    packer.out.bytes(value);
    packer.end();
  }
  return packer.records();
}

/** One epoch of a capture, just enough of it to write a true chain. */
export class Epoch {
  readonly fence: Fence;
  readonly appender: Appender;
  readonly #log: EmbeddedLog;
  #seq = 0n;
  #end: bigint;

  private constructor(log: EmbeddedLog, fence: Fence, end: bigint) {
    this.#log = log;
    this.fence = fence;
    this.appender = log.appender(fence);
    this.#end = end;
  }

  /** Claims the next epoch and opens it where the chain stands. */
  static async begin(log: EmbeddedLog): Promise<Epoch> {
    await log.createTopic(topic, partitions);
    const reader = new ChainReader(log, { kind: 'start' });
    await reader.readToHead();
    const epoch = reader.state.epoch + 1;
    const nonce = new Uint8Array(nonce_bytes).fill(epoch);
    const end = reader.state.to.end === 0n ? 100n : reader.state.to.end;
    const session = new Epoch(log, { epoch, nonce }, end);
    const claim: ProgressRecord = {
      ...session.#head(0n),
      kind: 'claim',
      host: 'here',
      pid: process.pid,
      version: '0',
    };
    await log.progress.appendClaim(encodeRecord(claim), session.fence);
    await session.#publish([], () => session.#open());
    return session;
  }

  get end(): bigint {
    return this.#end;
  }

  /** One leader transaction of `perPartition` events on every partition. Resolves with its record's offset. */
  async commit(perPartition: number, value_bytes?: number): Promise<bigint> {
    const batches = this.#batches(perPartition, value_bytes);
    return this.#record(batches, perPartition, undefined);
  }

  /** One leader transaction in `parts` requests, the last with its record. */
  async commitInParts(parts: number, perPartition: number, value_bytes?: number): Promise<bigint> {
    const first = new Map<number, bigint>();
    for (let part = 0; part < parts; part++) {
      const packed = this.#part(part, perPartition, value_bytes);
      for (const range of await this.appender.append(packed))
        if (!first.has(range.partition)) first.set(range.partition, range.first);
    }
    const last = this.#part(parts, perPartition, value_bytes);
    return this.#record(last, perPartition * (parts + 1), first);
  }

  async #record(
    batches: readonly PartitionBatch[],
    count: number,
    first: ReadonlyMap<number, bigint> | undefined,
  ): Promise<bigint> {
    const from = this.#position();
    const to = { history: 0, end: lsn(this.#end + 10n) };
    const offset = await this.#publish(batches, (ranges) => {
      const record: BatchRecord = {
        ...this.#head(this.#seq + 1n),
        kind: 'progress',
        from,
        to,
        eventsEpoch: this.fence.epoch,
        firstCommit_us: 0n,
        lastCommit_us: 0n,
        transactions: 1,
        events: BigInt(count * partitions),
        ranges: ranges.map((range) => ({
          topic: topicNumber,
          partition: range.partition,
          first: first?.get(range.partition) ?? range.first,
          last: range.last,
          count,
        })),
        barrier: false,
        snapshotDone: false,
      };
      return record;
    });
    this.#end = to.end;
    return offset;
  }

  #part(part: number, perPartition: number, value_bytes?: number): PartitionBatch[] {
    // Ordinals go on over parts: part p's events follow those of part p − 1.
    return this.#batches(perPartition, value_bytes).map((batch) => {
      const bytes = Buffer.from(batch.records.bytes);
      for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at))
        bytes.writeUInt32BE(bytes.readUInt32BE(at + ordinalLow_at) + part * perPartition, at + ordinalLow_at);
      return { ...batch, records: { bytes, count: batch.records.count } };
    });
  }

  #batches(perPartition: number, value_bytes?: number): PartitionBatch[] {
    return Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      records: eventsOf(this.fence.epoch, this.#end, perPartition, value_bytes),
    }));
  }

  async #publish(
    batches: readonly PartitionBatch[],
    record: (ranges: Parameters<Parameters<Appender['publish']>[1]>[0]) => ProgressRecord,
  ): Promise<bigint> {
    const { offset } = await this.appender.publish(batches, (ranges) => encodeRecord(record(ranges)));
    this.#seq++;
    return offset;
  }

  #position(): Position {
    return { history: 0, end: lsn(this.#end) };
  }

  #head(seq: bigint): RecordHead {
    return { logId: this.#log.id, epoch: this.fence.epoch, nonce: this.fence.nonce, seq };
  }

  #open(): OpenRecord {
    const endOffsets = Array.from({ length: partitions }, () => 0n);
    return {
      ...this.#head(this.#seq + 1n),
      kind: 'open',
      at: this.#position(),
      systemId: 1n,
      timeline: 1,
      ancestry: [],
      layout: [{ number: topicNumber, name: topic, partitions, endOffsets }],
      snapshots: [],
      relations: [],
    };
  }
}

/** Frame 18 bytes, then the header with the ordinal's lower half at its byte 20. */
const ordinalLow_at = 18 + 20;
