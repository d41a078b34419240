import { Fault, isFault } from '@millrace/runtime';
import { type PackedRecords, RecordCursor } from '../packed-records.js';
import type { AppendedRange, Appender, Fence, PartitionBatch, Published } from '../port.js';
import { progressTopic } from './partition.js';
import type { MemoryLogServer } from './server.js';

/** Single records of a pack, copied: the caller reuses its memory once the append settles, late requests do not care. */
export function splitRecords(records: PackedRecords): Uint8Array[] {
  const cursor = new RecordCursor(records);
  const split: Uint8Array[] = [];
  while (cursor.next())
    split.push(new Uint8Array(cursor.bytes.subarray(cursor.recordStart, cursor.recordEnd)));
  return split;
}

/** Appends as a Kafka producer does: one request per partition, which may succeed on some of them only. */
export class MemoryAppender implements Appender {
  readonly #server: MemoryLogServer;
  readonly #check: () => void;
  readonly #guard: () => void;
  readonly #lastOffsets = new Map<string, bigint>();

  /** `guard` throws when the handle was closed. */
  constructor(server: MemoryLogServer, fence: Fence, guard: () => void) {
    this.#server = server;
    this.#guard = guard;
    this.#check = () => server.checkFence(fence);
  }

  async append(batches: readonly PartitionBatch[]): Promise<readonly AppendedRange[]> {
    this.#guard();
    const outcomes = await Promise.allSettled(
      batches
        .filter((batch) => batch.records.count > 0)
        .map((batch) => this.#request(batch.topic, batch.partition, splitRecords(batch.records))),
    );
    const ranges: AppendedRange[] = [];
    let failure: unknown;
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') ranges.push(outcome.value);
      else if (failure === undefined || !isFault(failure, 'MR-3013')) failure = outcome.reason;
    }
    if (failure === undefined) return ranges;
    // Some partitions took it, others refused: what the log holds now is unknown to the caller (R11).
    if (isFault(failure, 'MR-3008') && ranges.length > 0)
      throw new Fault('MR-3013', { detail: 'only some partitions took the append', cause: failure });
    throw failure;
  }

  async publish(
    batches: readonly PartitionBatch[],
    record: (ranges: readonly AppendedRange[]) => Uint8Array,
  ): Promise<Published> {
    const ranges = await this.append(batches);
    this.#guard();
    const { first } = await this.#request(progressTopic, 0, [new Uint8Array(record(ranges))]);
    return { offset: first, ranges };
  }

  /** R10: an acknowledgement needs an offset greater than the last one of that partition. */
  async #request(topic: string, partition: number, records: readonly Uint8Array[]): Promise<AppendedRange> {
    const { first, last } = await this.#server.append(topic, partition, records, this.#check);
    const key = `${topic}/${partition}`;
    const before = this.#lastOffsets.get(key);
    if (before !== undefined && first <= before)
      throw new Fault('MR-3005', { detail: `${key} acknowledged offset ${first} after ${before}` });
    this.#lastOffsets.set(key, last);
    return { topic, partition, first, last };
  }
}
