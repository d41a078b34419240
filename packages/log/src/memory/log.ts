import { Fault } from '@millrace/runtime';
import type { PackedRecords } from '../packed-records.js';
import type {
  Appender,
  Fence,
  Log,
  LogTable,
  ProgressChunk,
  ProgressPartition,
  ReadOptions,
  ReadRange,
  TopicInfo,
  TrimRequest,
  Watermarks,
} from '../port.js';
import { MemoryAppender } from './appender.js';
import { progressTopic, type StoredRecord } from './partition.js';
import type { MemoryLogServer } from './server.js';

/** One client's handle on a memory log: the port's reference implementation. */
export class MemoryLog implements Log {
  readonly server: MemoryLogServer;
  readonly progress: ProgressPartition;
  readonly #closing = new AbortController();

  constructor(server: MemoryLogServer) {
    this.server = server;
    this.progress = {
      appendClaim: (bytes, fence) => this.#appendClaim(bytes, fence),
      read: (from, max_bytes) => this.#readProgress(from, max_bytes),
      watermarks: () => this.#watermarks(progressTopic, 0),
      wait: (offset, signal) => this.#wait(offset, signal),
    };
  }

  get id(): Uint8Array {
    return this.server.id;
  }

  get needsTrim(): boolean {
    return this.server.needsTrim;
  }

  async topics(): Promise<readonly TopicInfo[]> {
    await this.#begin('topics');
    return [...this.server.topics].map(([name, partitions]) => ({ name, partitions: partitions.length }));
  }

  async createTopic(name: string, partitions: number): Promise<void> {
    await this.#begin('topics');
    this.server.createTopic(name, partitions);
  }

  watermarks(topic: string, partition: number): Promise<Watermarks> {
    return this.#watermarks(topic, partition);
  }

  appender(fence: Fence): Appender {
    return new MemoryAppender(this.server, fence, () => this.#guard());
  }

  async *read(range: ReadRange, options: ReadOptions): AsyncGenerator<PackedRecords, void, void> {
    const { topic, partition, first, last } = range;
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    let fetch = first;
    let waited = false;
    while (fetch <= last) {
      await this.server.before('read');
      this.#guard();
      options.signal.throwIfAborted();
      const store = this.server.partition(topic, partition);
      const from = store.indexOf(fetch);
      if (store.high <= last && !waited) {
        waited = true;
        options.onWait?.(range);
      }
      const batch = take(store.records, from, last, options.max_bytes);
      if (batch.length > 0) {
        fetch = (batch[batch.length - 1] as StoredRecord).offset + 1n;
        yield { bytes: Buffer.concat(batch.map((record) => record.bytes)), count: batch.length };
      } else if (store.high > last) {
        // Nothing but holes up to `last`: the fetch position passes it (R19).
        return;
      } else {
        await this.server.changed(signal);
      }
    }
  }

  table(name: string): LogTable {
    const entries = (): Map<string, Uint8Array> => {
      const table = this.server.tables.get(name) ?? new Map<string, Uint8Array>();
      this.server.tables.set(name, table);
      return table;
    };
    return {
      get: async (key) => {
        await this.#begin('table');
        return entries().get(key);
      },
      put: async (key, value) => {
        await this.#begin('table');
        entries().set(key, new Uint8Array(value));
      },
      delete: async (key) => {
        await this.#begin('table');
        entries().delete(key);
      },
      entries: async () => {
        await this.#begin('table');
        return [...entries()];
      },
    };
  }

  async trim(request: TrimRequest): Promise<void> {
    await this.#begin('trim');
    this.server.progress.trim(request.progressBefore);
    for (const { topic, partition, offset } of request.eventsBefore)
      this.server.partition(topic, partition).trim(offset);
  }

  /** Nothing here waits for anything but the faults that a test scripts. */
  waiting(): string | undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #begin(operation: Parameters<MemoryLogServer['before']>[0]): Promise<void> {
    this.#guard();
    await this.server.before(operation);
    this.#guard();
  }

  #guard(): void {
    if (this.#closing.signal.aborted)
      throw new Fault('MR-3008', { detail: 'this handle of the log was closed' });
  }

  async #watermarks(topic: string, partition: number): Promise<Watermarks> {
    await this.#begin('watermarks');
    return this.server.partition(topic, partition).watermarks();
  }

  async #appendClaim(bytes: Uint8Array, fence: Fence): Promise<bigint> {
    this.#guard();
    const { first } = await this.server.append(progressTopic, 0, [new Uint8Array(bytes)], () =>
      this.server.claim(fence),
    );
    return first;
  }

  async #readProgress(from: bigint, max_bytes: number): Promise<ProgressChunk> {
    await this.#begin('read');
    const store = this.server.progress;
    const records = take(store.records, store.indexOf(from), store.high, max_bytes);
    const last = records[records.length - 1];
    return { records, next: last ? last.offset + 1n : from > store.high ? from : store.high };
  }

  async #wait(offset: bigint, signal: AbortSignal): Promise<void> {
    this.#guard();
    const either = AbortSignal.any([signal, this.#closing.signal]);
    while (!either.aborted && this.server.progress.high <= offset) await this.server.changed(either);
  }
}

/** Records from index `from` up to offset `last`, about `max_bytes` of them, at least one if there is any. */
function take(
  records: readonly StoredRecord[],
  from: number,
  last: bigint,
  max_bytes: number,
): StoredRecord[] {
  const taken: StoredRecord[] = [];
  let bytes = 0;
  for (let i = from; i < records.length; i++) {
    const record = records[i] as StoredRecord;
    bytes += record.bytes.length;
    if (record.offset > last || (taken.length > 0 && bytes > max_bytes)) break;
    taken.push(record);
  }
  return taken;
}
