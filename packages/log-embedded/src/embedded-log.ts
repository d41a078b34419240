import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  type Appender,
  type Fence,
  type LogTable,
  type PackedRecords,
  type ProgressChunk,
  type ProgressPartition,
  type ReadOptions,
  type ReadRange,
  sameBytes,
  type TopicInfo,
  type TrimRequest,
  type Watermarks,
} from '@millrace/log';
import { assert, Fault } from '@millrace/runtime';
import { decodeIfRecord, noteRecord, partitionRow, putRecord, topicOf } from './append.js';
import { EmbeddedAppender, type WriteAccess } from './appender.js';
import { applyRetention, collectOrphans, trimLog } from './collector.js';
import { type ReadAccess, readRange } from './event-reader.js';
import { toLogFault } from './faults.js';
import { LockWait } from './lock-wait.js';
import { acquireMode, type OpenMode } from './open-modes.js';
import type {
  EmbeddedLog,
  EmbeddedLogOptions,
  LogStats,
  PartitionStats,
  RetentionOutcome,
} from './options.js';
import { identify } from './process-identity.js';
import { decodeProgress, offsetKey, tableKey } from './rows.js';
import { ownFiles, Store } from './store.js';
import { Wake } from './wake.js';
import { Writers } from './writers.js';

const id_bytes = 16;
const takeoverAfter_ms_default = 10_000;
/** Retention looks at the log at most so often, beside publishes. */
const retainEvery_ms = 10_000;

/** Opens, or makes, the log in `options.path`. While a paused process holds its lock this waits, and says so in the logger, then ends that process (§12). Faults: MR-3008, MR-3009, MR-3011, MR-3014. */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { path } = options;
  Store.prepare(path, options.readOnly ?? false);
  const mode = acquireMode(path, { readOnly: options.readOnly ?? false });
  try {
    if (!options.readOnly) return await openForWriting(options, mode);
    return new LmdbLog(options, new Store(path, mode), mode, undefined);
  } catch (error) {
    mode.release();
    throw toLogFault(error, `opening the log in ${path}`);
  }
}

async function openForWriting(options: EmbeddedLogOptions, mode: OpenMode): Promise<EmbeddedLog> {
  const { path, clock, logger } = options;
  const self = identify(process.pid) ?? { pid: process.pid, startedAt: '', boot: '' };
  const writers = new Writers(join(path, ownFiles.writers), self, identify);
  const takeoverAfter_ms = options.takeoverAfter_ms ?? takeoverAfter_ms_default;
  const lock = new LockWait({ writers, clock, logger, identify, takeoverAfter_ms });
  try {
    // Opening the databases takes LMDB's lock, too. A process that starts up is a successor: without this takeover a new
    // capture would never come as far as its claim.
    await lock.clear(true);
    writers.enter();
    const store = new Store(path, mode);
    store.write(() => store.identity(randomBytes(id_bytes)));
    writers.leave();
    return new LmdbLog(options, store, mode, { writers, lock });
  } catch (error) {
    writers.close();
    throw error;
  }
}

interface WriteSide {
  readonly writers: Writers;
  readonly lock: LockWait;
}

class LmdbLog implements EmbeddedLog {
  readonly id: Uint8Array;
  readonly needsTrim = false;
  readonly progress: ProgressPartition;
  readonly #options: EmbeddedLogOptions;
  readonly #store: Store;
  readonly #wake: Wake;
  readonly #mode: OpenMode;
  readonly #writing: WriteSide | undefined;
  readonly #closing = new AbortController();
  #highest = 0n;
  #retained_ms: number;
  #retaining: Promise<void> | undefined;
  #heldBy: string | undefined;

  constructor(options: EmbeddedLogOptions, store: Store, mode: OpenMode, writing: WriteSide | undefined) {
    const id = store.read(() => store.identity());
    if (!id) throw new Fault('MR-3014', { detail: `the LMDB file in ${options.path} is no Millrace log` });
    this.id = id;
    this.#options = options;
    this.#store = store;
    this.#mode = mode;
    this.#writing = writing;
    this.#retained_ms = options.clock.monotonic();
    this.#wake = new Wake(join(options.path, ownFiles.wake), options.clock, {
      writes: writing !== undefined,
    });
    this.progress = {
      appendClaim: (bytes, fence) => this.#appendClaim(bytes, fence),
      read: async (from, max_bytes) => this.#read(() => this.#readProgress(from, max_bytes)),
      watermarks: () => this.#progressMarks(),
      wait: (offset, signal) => this.#wait(offset, signal),
    };
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return this.#read(() =>
      this.#store.topics().map(({ name, row }) => ({ name, partitions: row.partitions })),
    );
  }

  async createTopic(name: string, partitions: number): Promise<void> {
    const check = (): boolean => {
      const existing = this.#store.topic(name);
      if (existing && existing.partitions !== partitions)
        throw new Fault('MR-3005', {
          detail: `topic ${name} has ${existing.partitions} partitions, not ${partitions}`,
        });
      return existing !== undefined;
    };
    if (this.#read(check)) return;
    await this.#write(0, () => {
      if (!check()) this.#store.addTopic(name, partitions);
    });
  }

  async watermarks(topic: string, partition: number): Promise<Watermarks> {
    return this.#read(() => {
      const { low, next } = partitionRow(this.#store, topicOf(this.#store, topic, partition).id, partition);
      return { low, high: next };
    });
  }

  appender(fence: Fence): Appender {
    const access: WriteAccess = {
      store: this.#store,
      write: (bytes, section) => this.#append(bytes, section),
      published: () => this.#published(),
      now: () => this.#options.clock.now(),
    };
    return new EmbeddedAppender(access, fence);
  }

  read(range: ReadRange, options: ReadOptions): AsyncIterable<PackedRecords> {
    const access: ReadAccess = { store: this.#store, wake: this.#wake, guard: () => this.#guard() };
    return readRange(access, range, options);
  }

  table(name: string): LogTable {
    const { tables } = this.#store;
    const start = tableKey(name, '');
    return {
      get: async (key) => this.#read(() => tables.get(tableKey(name, key))),
      put: (key, value) => this.#write(0, () => void tables.putSync(tableKey(name, key), Buffer.from(value))),
      delete: (key) => this.#write(0, () => void tables.removeSync(tableKey(name, key))),
      entries: async () =>
        this.#read(() => {
          const found: (readonly [string, Uint8Array])[] = [];
          // The prefix ends with a zero byte: its range ends before the next byte value.
          const end = Buffer.from(start);
          end[end.length - 1] = 1;
          for (const { key, value } of tables.getRange({ start, end }))
            found.push([key.toString('utf8', start.length), value]);
          return found;
        }),
    };
  }

  async trim(request: TrimRequest): Promise<void> {
    await trimLog(this.#collectAccess(), request);
  }

  async retain(): Promise<RetentionOutcome> {
    const { clock, retention } = this.#options;
    this.#guard();
    this.#store.dropDeadReaders();
    const outcome = await applyRetention(this.#collectAccess(), this, retention, clock.now());
    this.#heldBy = outcome.heldBy;
    return outcome;
  }

  async stats(): Promise<LogStats> {
    const file_bytes = this.#store.fileBytes();
    const stats = this.#read(() => {
      const marks = this.#store.marks();
      const topics = this.#store.topics().map(({ name, row }) => ({
        name,
        partitions: Array.from({ length: row.partitions }, (_, partition) =>
          this.#partition(row.id, partition),
        ),
      }));
      const progress = { ...marksOf(marks), bytes: marks.bytes };
      return { used_bytes: marks.bytes + marks.event_bytes, file_bytes, progress, topics };
    });
    const waiting = this.#writing?.lock.waiting;
    return {
      ...stats,
      ...(this.#options.max_bytes !== undefined && { limit_bytes: this.#options.max_bytes }),
      ...(waiting && { waiting }),
      ...(this.#heldBy !== undefined && { heldBy: this.#heldBy }),
    };
  }

  waiting(): string | undefined {
    return this.#writing?.lock.waiting?.reason;
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#wake.close();
    await this.#retaining;
    this.#writing?.writers.close();
    await this.#store.close();
    this.#mode.release();
  }

  /** A claim takes the lock over from a paused process (§12) and is refused, not written, when it is not the next epoch. */
  async #appendClaim(bytes: Uint8Array, fence: Fence): Promise<bigint> {
    const offset = await this.#write(0, () => this.#claim(bytes, fence), true);
    this.#wake.notify();
    await collectOrphans(this.#collectAccess());
    return offset;
  }

  #claim(bytes: Uint8Array, fence: Fence): bigint {
    const held = this.#store.fence();
    // The same claim once more, after a doubt: its record is there.
    if (held && held.epoch === fence.epoch && sameBytes(held.nonce, fence.nonce)) return held.offset;
    if (fence.epoch !== (held?.epoch ?? 0) + 1)
      throw new Fault('MR-2009', {
        detail: `epoch ${fence.epoch} cannot follow epoch ${held?.epoch ?? 0}: another capture claimed`,
        context: { epoch: fence.epoch, current: held?.epoch ?? 0 },
      });
    const created_ms = this.#options.clock.now();
    const offset = putRecord(this.#store, bytes, { created_ms, event_bytes: 0, open: [] });
    this.#store.putFence({ epoch: fence.epoch, nonce: fence.nonce, offset });
    const record = decodeIfRecord(bytes);
    if (record) noteRecord(this.#store, record);
    return offset;
  }

  /** Never before what this handle saw, unless the log went back: a commit that LMDB was made to forget is found by the next transaction. */
  async #progressMarks(): Promise<Watermarks> {
    const marks = this.#read(() => marksOf(this.#store.marks()));
    if (marks.high >= this.#highest) {
      this.#highest = marks.high;
      return marks;
    }
    if (this.#writing) await this.#write(0, () => undefined);
    return this.#read(() => marksOf(this.#store.marks()));
  }

  #readProgress(from: bigint, max_bytes: number): ProgressChunk {
    const { low, next: high } = this.#store.marks();
    if (from < low)
      throw new Fault('MR-3003', {
        detail: `the progress partition begins at offset ${low}, offset ${from} is needed`,
        context: { low, offset: from },
      });
    const records: { offset: bigint; bytes: Uint8Array }[] = [];
    let bytes = 0;
    let next = from > high ? from : high;
    for (const { key, value } of this.#store.progress.getRange({ start: offsetKey(from) })) {
      const offset = key.readBigUInt64BE(0);
      const { record } = decodeProgress(value, offset);
      bytes += record.length;
      if (records.length > 0 && bytes > max_bytes) {
        next = offset;
        break;
      }
      records.push({ offset, bytes: record });
    }
    return { records, next };
  }

  async #wait(offset: bigint, signal: AbortSignal): Promise<void> {
    this.#guard();
    for (;;) {
      if (signal.aborted || this.#closing.signal.aborted) return;
      const seen = this.#wake.version;
      if (this.#read(() => this.#store.marks().next) > offset) return;
      await this.#wake.after(seen, signal);
    }
  }

  #partition(topic: number, partition: number): PartitionStats {
    const { low, next, bytes } = partitionRow(this.#store, topic, partition);
    return { low, high: next, bytes };
  }

  #guard(): void {
    if (this.#closing.signal.aborted)
      throw new Fault('MR-3008', { detail: 'this handle of the log was closed' });
  }

  #read<T>(section: () => T): T {
    this.#guard();
    return this.#store.read(section);
  }

  async #write<T>(bytes: number, section: () => T, takeover = false): Promise<T> {
    const writing = this.#writing;
    assert(writing !== undefined, 'a log opened for reading is not written to');
    this.#guard();
    const clear = writing.lock.clear(takeover);
    if (clear) {
      await clear;
      this.#guard();
    }
    const limit = this.#options.max_bytes;
    writing.writers.enter();
    try {
      return this.#store.write(() => {
        if (limit !== undefined && bytes > 0) this.#checkLimit(limit, bytes);
        return section();
      });
    } finally {
      writing.writers.leave();
    }
  }

  #checkLimit(limit: number, more: number): void {
    const marks = this.#store.marks();
    const used = marks.bytes + marks.event_bytes;
    if (used + more > limit)
      throw new Fault('MR-3009', {
        detail: `the log holds ${used} of at most ${limit} bytes, ${more} more do not fit`,
        context: { used, limit, more, heldBy: this.#heldBy },
      });
  }

  /** An append that does not fit lets retention make room once, then tries again. */
  async #append<T>(bytes: number, section: () => T): Promise<T> {
    try {
      return await this.#write(bytes, section);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'MR-3009') throw error;
      const { freed_bytes } = await this.retain();
      if (freed_bytes === 0) throw error;
      return await this.#write(bytes, section);
    }
  }

  #published(): void {
    this.#wake.notify();
    const { clock, logger, retention } = this.#options;
    if (retention.bytes === undefined && retention.age_ms === undefined) return;
    if (this.#retaining || clock.monotonic() - this.#retained_ms < retainEvery_ms) return;
    this.#retained_ms = clock.monotonic();
    this.#retaining = this.retain()
      .then(() => {})
      .catch((error: unknown) => {
        logger.warn({ err: error }, 'retention of the log failed; it is tried again');
      })
      .finally(() => {
        this.#retaining = undefined;
      });
  }

  #collectAccess(): Parameters<typeof trimLog>[0] {
    return { store: this.#store, write: (bytes, section) => this.#write(bytes, section) };
  }
}

const marksOf = (marks: { readonly low: bigint; readonly next: bigint }): Watermarks => ({
  low: marks.low,
  high: marks.next,
});
