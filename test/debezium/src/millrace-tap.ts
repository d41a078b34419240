import { randomUUID } from 'node:crypto';
import { createCapture } from '@millrace/capture';
import { createPostgresSource } from '@millrace/capture-postgres';
import { type CodecFormat, createCodec, type SchemaRegistry, tableSchemaStore } from '@millrace/codec';
import { type Log, RecordCursor } from '@millrace/log';
import { type EmbeddedLog, openEmbeddedLog } from '@millrace/log-embedded';
import { silentLogger, systemClock } from '@millrace/runtime';
import { removeTempFolder, type TestDatabase, tempFolder } from '@millrace/test-support';

/** A record as its bytes. */
export interface RawRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface MillraceTapOptions {
  readonly database: TestDatabase;
  readonly prefix: string;
  readonly format: CodecFormat;
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
}

const read_bytes = 1024 * 1024;
const progress = '__millrace';

/** Our capture on an embedded log of its own, with codec preset `debezium`. */
export class MillraceTap implements AsyncDisposable {
  readonly slot: string;
  readonly schemas: SchemaRegistry;
  readonly #log: EmbeddedLog;
  readonly #folder: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #failure: unknown;

  private constructor(options: MillraceTapOptions, log: EmbeddedLog, folder: string) {
    const { database, prefix, format, tables } = options;
    this.slot = `millrace_${format}_${database.name}`;
    this.#log = log;
    this.#folder = folder;
    this.schemas = tableSchemaStore(log.table('schemas'));
    const names = { connectorName: prefix, database: database.name, version: '0' };
    const capture = createCapture({
      source: createPostgresSource({
        url: database.url,
        slot: this.slot,
        publication: { name: `millrace_${format}`, create: true, tables },
        logger: silentLogger,
      }),
      log,
      codec: createCodec({ format, preset: 'debezium', schemas: this.schemas, ...names }),
      pipeline: { topicPrefix: prefix, partitions: 1 },
      surroundings: { clock: systemClock, logger: silentLogger, random: Math.random },
      host: 'here',
      pid: process.pid,
      version: names.version,
    });
    this.#running = capture.run(this.#stop.signal).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  static async open(options: MillraceTapOptions): Promise<MillraceTap> {
    const folder = tempFolder(`millrace-debezium-${randomUUID()}`);
    const log = await openEmbeddedLog({
      path: folder,
      retention: { followers: 'hold' },
      clock: systemClock,
      logger: silentLogger,
    });
    return new MillraceTap(options, log, folder);
  }

  /** Whether `topic` has a record. Throws when capture has stopped by itself. */
  async has(topic: string): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure;
    const topics = await this.#log.topics();
    if (!topics.some(({ name }) => name === topic)) return false;
    const { low, high } = await this.#log.watermarks(topic, 0);
    return high > low;
  }

  /** Every record of every topic, in the topic's order. */
  async records(): Promise<RawRecord[]> {
    const names = (await this.#log.topics())
      .map(({ name }) => name)
      .filter((name) => !name.startsWith(progress));
    const all: RawRecord[] = [];
    for (const topic of names) all.push(...(await recordsOf(this.#log, topic)));
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#log.close();
    removeTempFolder(this.#folder);
  }
}

async function recordsOf(log: Log, topic: string): Promise<RawRecord[]> {
  const { low, high } = await log.watermarks(topic, 0);
  if (high === low) return [];
  const found: RawRecord[] = [];
  const range = { topic, partition: 0, first: low, last: high - 1n };
  for await (const batch of log.read(range, {
    signal: new AbortController().signal,
    max_bytes: read_bytes,
  })) {
    const cursor = new RecordCursor(batch);
    // The batch's memory is used again.
    while (cursor.next()) found.push({ topic, key: copyOf(cursor.key()), value: copyOf(cursor.value()) });
  }
  return found;
}

const copyOf = (bytes: Buffer | undefined): Buffer | null =>
  bytes === undefined ? null : Buffer.from(bytes);
