import { join } from 'node:path';
import type {
  Appender,
  Fence,
  LogTable,
  PackedRecords,
  ProgressPartition,
  ReadOptions,
  ReadRange,
  TopicInfo,
  TrimRequest,
  Watermarks,
} from '@millrace/log';
import { Fault } from '@millrace/runtime';
import { partitionRow, topicOf } from './append.js';
import { EmbeddedAppender, type WriteAccess } from './appender.js';
import { applyRetention, trimLog } from './collector.js';
import { type ReadAccess, readRange } from './event-reader.js';
import { FlushPace } from './flush-pace.js';
import type { OpenMode } from './open-modes.js';
import type { EmbeddedLog, EmbeddedLogOptions, LogStats, RetentionOutcome } from './options.js';
import { EmbeddedProgress } from './progress.js';
import { Sections, type WriteSide } from './sections.js';
import { readStats } from './stats.js';
import { ownFiles, type Store } from './store.js';
import { embeddedTable } from './table.js';
import { Wake } from './wake.js';

/** Retention looks at the log at most so often, beside publishes. */
const retainEvery_ms = 10_000;

/** One handle of a log that is open: the port's calls, each by the file that carries it out. */
export class LmdbLog implements EmbeddedLog {
  readonly id: Uint8Array;
  readonly needsTrim = false;
  readonly progress: ProgressPartition;
  readonly #options: EmbeddedLogOptions;
  readonly #store: Store;
  readonly #sections: Sections;
  readonly #wake: Wake;
  readonly #mode: OpenMode;
  readonly #closing = new AbortController();
  #retained_ms: number;
  #retaining: Promise<void> | undefined;

  constructor(options: EmbeddedLogOptions, store: Store, mode: OpenMode, writing: WriteSide | undefined) {
    const id = store.read(() => store.identity());
    if (!id) throw new Fault('MR-3014', { detail: `the LMDB file in ${options.path} is no Millrace log` });
    this.id = id;
    this.#options = options;
    this.#store = store;
    this.#mode = mode;
    this.#retained_ms = options.clock.monotonic();
    const { signal } = this.#closing;
    this.#sections = new Sections(store, writing, options.max_bytes, signal);
    this.#wake = new Wake(join(options.path, ownFiles.wake), options.clock, {
      writes: writing !== undefined,
    });
    this.progress = new EmbeddedProgress(this.#sections, this.#wake, options.clock, signal);
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return this.#sections.read(() =>
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
    if (this.#sections.read(check)) return;
    await this.#sections.write(0, () => {
      if (!check()) this.#store.addTopic(name, partitions);
    });
  }

  async watermarks(topic: string, partition: number): Promise<Watermarks> {
    return this.#sections.read(() => {
      const { low, next } = partitionRow(this.#store, topicOf(this.#store, topic, partition).id, partition);
      return { low, high: next };
    });
  }

  appender(fence: Fence): Appender {
    const access: WriteAccess = {
      store: this.#store,
      pace: new FlushPace(this.#options.clock),
      write: (bytes, section) => this.#append(bytes, section),
      published: () => this.#published(),
      now: () => this.#options.clock.now(),
    };
    return new EmbeddedAppender(access, fence);
  }

  read(range: ReadRange, options: ReadOptions): AsyncIterable<PackedRecords> {
    const access: ReadAccess = {
      store: this.#store,
      wake: this.#wake,
      guard: () => this.#sections.guard(),
    };
    return readRange(access, range, options);
  }

  table(name: string): LogTable {
    return embeddedTable(this.#sections, name);
  }

  async trim(request: TrimRequest): Promise<void> {
    await trimLog(this.#sections, request);
  }

  async retain(): Promise<RetentionOutcome> {
    const { clock, retention } = this.#options;
    this.#sections.guard();
    this.#store.dropDeadReaders();
    const outcome = await applyRetention(this.#sections, this, retention, clock.now());
    this.#sections.heldBy = outcome.heldBy;
    return outcome;
  }

  async stats(): Promise<LogStats> {
    return readStats(this.#sections);
  }

  waiting(): string | undefined {
    return this.#sections.writing?.lock.waiting?.reason;
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#wake.close();
    await this.#retaining;
    this.#sections.writing?.writers.close();
    await this.#store.close();
    this.#mode.release();
  }

  /** An append that does not fit lets retention make room once, then tries again. */
  async #append<T>(bytes: number, section: () => T): Promise<T> {
    try {
      return await this.#sections.write(bytes, section);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'MR-3009') throw error;
      const { freed_bytes } = await this.retain();
      if (freed_bytes === 0) throw error;
      return await this.#sections.write(bytes, section);
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
}
