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
import { type AppenderAccess, KafkaAppender, recordLoad } from './appender.js';
import { checkKafka } from './check.js';
import { ChunkCache } from './chunk-cache.js';
import type { Cluster, KnownTopic } from './connection/cluster.js';
import { EndSignals } from './end-signals.js';
import { readWatermarks } from './offsets.js';
import type { KafkaFinding, KafkaLog, KafkaLogOptions, KafkaLogStats } from './options.js';
import { closedFault, type PersistSurroundings, persist } from './persist.js';
import { ProgressReader } from './progress.js';
import { type ReadAccess, readRange } from './range-reader.js';
import { Sender } from './sender.js';
import { readStats } from './stats.js';
import { KafkaTable } from './table.js';
import type { TopicAdmin } from './topic-admin.js';
import { progressTopicOf, tableTopicOf } from './topic-names.js';
import { ask_deadline_ms, type Topics } from './topics.js';
import { trimPartition } from './trim.js';
import { type CompressionCodec, compressionCodec } from './wire/compression.js';
import { PackedOutputs } from './wire/packed-output.js';

/** What opening found out. */
export interface OpenedCluster {
  readonly cluster: Cluster;
  readonly topics: Topics;
  readonly admin: TopicAdmin;
  readonly surroundings: PersistSurroundings;
  readonly closing: AbortController;
  readonly progress: KnownTopic;
}

/** What is read and kept for the next range, per handle. */
const cache_bytes = 16 * 1024 * 1024;

/** One handle on a log in Kafka. Its identity is the id of its progress topic. */
export class KafkaLogHandle implements KafkaLog {
  readonly id: Uint8Array;
  readonly needsTrim = true;
  readonly progress: ProgressPartition;
  readonly #options: KafkaLogOptions;
  readonly #opened: OpenedCluster;
  readonly #cache = new ChunkCache(cache_bytes);
  readonly #outputs = new PackedOutputs();
  readonly #ends: EndSignals;
  readonly #sender: Sender;
  readonly #progressTopic: string;
  readonly #progressReader: ProgressReader;
  readonly #tables = new Map<string, KafkaTable>();
  /** Of the newest claim. One capture works through a handle; what an older epoch of it still repeats would only be in the way. */
  #appender: KafkaAppender | undefined;

  constructor(options: KafkaLogOptions, opened: OpenedCluster) {
    this.id = opened.progress.id;
    this.#options = options;
    this.#opened = opened;
    this.#ends = new EndSignals(opened.closing.signal);
    this.#sender = new Sender(opened.topics, opened.surroundings);
    this.#progressTopic = progressTopicOf(options.prefix);
    this.#progressReader = new ProgressReader(this.#readAccess(), this.#progressTopic);
    this.progress = {
      appendClaim: (bytes) => this.#appendClaim(bytes),
      read: async (from, max_bytes) => {
        this.#guard();
        return await this.#progressReader.read(from, max_bytes);
      },
      watermarks: async () => {
        this.#guard();
        return await this.#progressReader.watermarks();
      },
      wait: async (offset, signal) => {
        this.#guard();
        await this.#progressReader.wait(offset, signal);
      },
    };
  }

  async topics(): Promise<readonly TopicInfo[]> {
    const { cluster, surroundings } = this.#opened;
    const own = `${this.#options.prefix}.`;
    const { topics } = await persist(
      surroundings,
      { doing: 'listing topics', deadline_ms: ask_deadline_ms },
      () => cluster.describe(undefined),
    );
    return topics
      .filter(({ name, isInternal, error }) => error === 0 && !isInternal && name.startsWith(own))
      .map(({ name, partitions }) => ({ name, partitions: partitions.length }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async createTopic(name: string, partitions: number): Promise<void> {
    this.#guard();
    await this.#opened.admin.ensure('events', name, partitions);
  }

  async watermarks(topic: string, partition: number): Promise<Watermarks> {
    this.#guard();
    const { topics, surroundings } = this.#opened;
    const doing = `asking for the ends of ${topic}/${partition}`;
    return await persist(surroundings, { doing, deadline_ms: ask_deadline_ms }, async () =>
      readWatermarks(topics, await topics.get(topic), partition),
    );
  }

  /** Kafka cannot check a fence: the records carry it, and readers void what a newer claim precedes (§3). */
  appender(_fence: Fence): Appender {
    this.#appender?.retire();
    this.#appender = new KafkaAppender(this.#appenderAccess());
    return this.#appender;
  }

  read(range: ReadRange, options: ReadOptions): AsyncIterable<PackedRecords> {
    return readRange(this.#readAccess(), range, options);
  }

  table(name: string): LogTable {
    const present = this.#tables.get(name);
    if (present) return present;
    const topic = tableTopicOf(this.#options.prefix, name);
    const { topics, surroundings, admin } = this.#opened;
    const { clock, readOnly } = this.#options;
    let isThere = false;
    const table = new KafkaTable(
      {
        topics,
        surroundings,
        sender: this.#sender,
        now: () => clock.now(),
        guard: () => this.#guard(),
        ensure: async () => {
          if (isThere) return true;
          if (readOnly && !(await topics.cluster.ask(topic))) return false;
          if (!readOnly) await admin.ensure('table', topic, 1);
          isThere = true;
          return true;
        },
      },
      topic,
    );
    this.#tables.set(name, table);
    return table;
  }

  async trim({ progressBefore, eventsBefore }: TrimRequest): Promise<void> {
    this.#guard();
    const { topics, surroundings } = this.#opened;
    const trim = (topic: string, partition: number, before: bigint): Promise<void> =>
      trimPartition(topics, this.#cache, surroundings, { topic, partition, before });
    for (const { topic, partition, offset } of eventsBefore) await trim(topic, partition, offset);
    if (progressBefore > 0n) await trim(this.#progressTopic, 0, progressBefore);
  }

  async stats(): Promise<KafkaLogStats> {
    this.#guard();
    const { topics, surroundings } = this.#opened;
    const names = [this.#progressTopic, ...(await this.topics()).map(({ name }) => name)];
    const doing = 'asking for the sizes of topics';
    const stats = await persist(surroundings, { doing, deadline_ms: ask_deadline_ms }, () =>
      readStats(topics, names),
    );
    const waiting = this.waiting();
    return { ...stats, ...(waiting !== undefined && { waiting }) };
  }

  async check(): Promise<readonly KafkaFinding[]> {
    this.#guard();
    const { topics, admin, surroundings } = this.#opened;
    const events = (await this.topics()).map(({ name }) => name);
    return await persist(surroundings, { doing: 'checking the brokers', deadline_ms: ask_deadline_ms }, () =>
      checkKafka({ topics, admin, options: this.#options, events }),
    );
  }

  waiting(): string | undefined {
    return this.#opened.surroundings.waits.current ?? this.#sender.slowest;
  }

  async close(): Promise<void> {
    const { closing, cluster } = this.#opened;
    if (closing.signal.aborted) return;
    closing.abort(closedFault());
    this.#appender?.retire();
    this.#progressReader.close();
    cluster.close();
  }

  /** On doubt (MR-3013) the caller repeats the same bytes (§4 CLAIM); refusals are repeated here. */
  async #appendClaim(bytes: Uint8Array): Promise<bigint> {
    this.#guard();
    this.#appender?.retire();
    const [range] = await this.#sender.send([recordLoad(this.#appenderAccess(), bytes)]);
    return (range as { first: bigint }).first;
  }

  #appenderAccess(): AppenderAccess {
    const { admin } = this.#opened;
    const { clock, topics = {} } = this.#options;
    return {
      sender: this.#sender,
      progressTopic: this.#progressTopic,
      codec: async (): Promise<CompressionCodec | undefined> =>
        topics.compression && topics.compression !== 'none'
          ? compressionCodec(topics.compression)
          : undefined,
      limitOf: (topic) => admin.limitOf(topic),
      now: () => clock.now(),
      guard: () => this.#guard(),
    };
  }

  #readAccess(): ReadAccess {
    return {
      topics: this.#opened.topics,
      cache: this.#cache,
      outputs: this.#outputs,
      ends: this.#ends,
      surroundings: { ...this.#opened.surroundings, clock: this.#options.clock },
    };
  }

  #guard(): void {
    if (this.#opened.closing.signal.aborted) throw closedFault();
  }
}
