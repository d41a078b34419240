import { setImmediate as turn } from 'node:timers/promises';
import type {
  AppendedRange,
  Appender,
  Fence,
  PartitionBatch,
  ProgressRecord,
  Published,
} from '@millrace/log';
import {
  checkFence,
  decodeIfRecord,
  noteRecord,
  type Part,
  type PendingChunk,
  putChunks,
  putRecord,
} from './append.js';
import { chunk_bytes_max, cutRecords } from './chunks.js';
import type { FlushPace } from './flush-pace.js';
import type { Store } from './store.js';

/** What an appender needs of its log. */
export interface WriteAccess {
  readonly store: Store;
  readonly pace: FlushPace;
  /** One transaction, once the lock is free and `bytes` more fit the log's limit. */
  write<T>(bytes: number, section: () => T): Promise<T>;
  /** After a commit that readers may wait for. */
  published(): void;
  now(): number;
}

/**
 * Dirty pages of a transaction are anonymous memory until its commit (2 M puts took 450 MB), and a flush holds up this process:
 * so a larger append is several transactions, of which the last holds the record.
 */
const transaction_bytes = 4 * 1024 * 1024;

/** Appends under one claim: events and their record in one transaction where they fit (§12). */
export class EmbeddedAppender implements Appender {
  readonly #log: WriteAccess;
  readonly #fence: Fence;
  /** Parts appended ahead of their record, in order. */
  #open: Part[] = [];
  #sinceRecord_bytes = 0;

  constructor(log: WriteAccess, fence: Fence) {
    this.#log = log;
    this.#fence = { epoch: fence.epoch, nonce: new Uint8Array(fence.nonce) };
  }

  async append(batches: readonly PartitionBatch[]): Promise<readonly AppendedRange[]> {
    const parts = await this.#appendGroups([...groups(chunksOf(batches))]);
    this.#open.push(...parts);
    this.#log.published();
    return joined(parts.map(({ range }) => range));
  }

  async publish(
    batches: readonly PartitionBatch[],
    record: (ranges: readonly AppendedRange[]) => Uint8Array,
  ): Promise<Published> {
    const all = [...groups(chunksOf(batches))];
    const last = all.pop() ?? [];
    if (all.length === 0) await this.#log.pace.rest(sizeOf(last));
    // Should the record fail, these parts are nobody's: whoever tries again appends them again.
    const before = await this.#appendGroups(all);
    const published = await this.#publishGroup(before, last, record);
    this.#log.published();
    return published;
  }

  async #appendGroups(all: readonly (readonly PendingChunk[])[]): Promise<Part[]> {
    const parts: Part[] = [];
    for (const group of all) {
      parts.push(...(await this.#appendGroup(group)));
      // A flush holds this process up; between two of them its other work goes on.
      await turn();
    }
    return parts;
  }

  async #appendGroup(group: readonly PendingChunk[]): Promise<Part[]> {
    const bytes = sizeOf(group);
    const { store } = this.#log;
    const parts = await this.#commit(bytes, () => {
      checkFence(store, this.#fence);
      return putChunks(store, group, this.#log.now());
    });
    this.#sinceRecord_bytes += bytes;
    return parts;
  }

  async #publishGroup(
    before: readonly Part[],
    group: readonly PendingChunk[],
    record: (ranges: readonly AppendedRange[]) => Uint8Array,
  ): Promise<Published> {
    const { store } = this.#log;
    const event_bytes = this.#sinceRecord_bytes + sizeOf(group);
    let open = this.#open;
    const published = await this.#commit(sizeOf(group), () => {
      checkFence(store, this.#fence);
      const created_ms = this.#log.now();
      const parts = [...before, ...putChunks(store, group, created_ms)];
      const ranges = joined(parts.map(({ range }) => range));
      const bytes = record(ranges);
      const value = decodeIfRecord(bytes);
      if (value) noteRecord(store, value);
      open = stillOpen(store, [...this.#open, ...before], value);
      return { offset: putRecord(store, bytes, { created_ms, event_bytes, open }), ranges };
    });
    this.#open = open;
    this.#sinceRecord_bytes = 0;
    return published;
  }

  #commit<T>(bytes: number, section: () => T): Promise<T> {
    return this.#log.pace.timed(() => this.#log.write(bytes, section));
  }
}

/** Parts that `record` does not name: a later one will. */
function stillOpen(store: Store, parts: readonly Part[], record: ProgressRecord | undefined): Part[] {
  if (record?.kind !== 'progress' || parts.length === 0) return [...parts];
  const named = record.ranges.map((range) => ({ ...range, topic: store.topicOfNumber(range.topic) }));
  return parts.filter(
    (part) =>
      !named.some(
        (range) =>
          range.topic === part.topic &&
          range.partition === part.partition &&
          range.first <= part.first &&
          part.range.last <= range.last,
      ),
  );
}

function* chunksOf(batches: readonly PartitionBatch[]): Generator<PendingChunk, void, void> {
  for (const { topic, partition, records } of batches)
    for (const chunk of cutRecords(records, chunk_bytes_max)) yield { topic, partition, chunk };
}

/** Chunks gathered into transactions of bounded size. */
function* groups(chunks: Iterable<PendingChunk>): Generator<PendingChunk[], void, void> {
  let group: PendingChunk[] = [];
  let bytes = 0;
  for (const pending of chunks) {
    const size = pending.chunk.bytes.length;
    if (group.length > 0 && bytes + size > transaction_bytes) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(pending);
    bytes += size;
  }
  if (group.length > 0) yield group;
}

const sizeOf = (group: readonly PendingChunk[]): number =>
  group.reduce((sum, { chunk }) => sum + chunk.bytes.length, 0);

/** One range per partition: chunks of one append follow each other, as one appender writes at a time. */
function joined(ranges: readonly AppendedRange[]): AppendedRange[] {
  const byPartition = new Map<string, AppendedRange>();
  for (const range of ranges) {
    const key = `${range.partition}/${range.topic}`;
    const before = byPartition.get(key);
    byPartition.set(key, before ? { ...before, last: range.last } : range);
  }
  return [...byPartition.values()];
}
