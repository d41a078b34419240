import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Command } from '@millrace/chaos';
import {
  kafkaBrokers,
  type PgServer,
  removeTempFolder,
  startPostgres,
  tempFolder,
  waitFor,
} from '@millrace/test-support';
import avsc from 'avsc';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { valueCorpus } from './value-corpus.js';

const limit_ms = 120_000;
const arrival_ms = 60_000;
/** Topics are on brokers that tests share. */
const pipeline = `outside${process.pid}x${Date.now() % 1_000_000}`;

/** 64-bit integers as bigint, which avsc by itself refuses above 2^53. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});
const typeHook = (attributes: unknown): avsc.Type | undefined =>
  attributes === 'long' || (attributes as { type?: unknown }).type === 'long' ? exactLong : undefined;

interface Envelope {
  readonly op: string;
  readonly before: unknown;
  readonly after: Readonly<Record<string, Readonly<Record<string, unknown>>>> | null;
  readonly source: {
    readonly schema: string;
    readonly table: string;
    readonly lsn: { readonly long: bigint };
  };
}

/** What somebody else's consumer knows of a topic after reading it: the rows by key, as their events left them. */
interface ReadTopic {
  readonly rows: Map<number, Readonly<Record<string, unknown>>>;
  readonly ops: string[];
  tombstones: number;
  /**
   * Of the last TRUNCATE: it stands on one partition, and rows of another that came before it may be read after it. A reader of
   * several partitions tells them by their LSN.
   */
  emptiedAt: bigint;
}

/** Somebody else's consumer: a Kafka consumer group and a client of Confluent's registry, nothing of ours. */
class OutsideConsumer implements AsyncDisposable {
  readonly topics = new Map<string, ReadTopic>();
  #trouble: unknown;
  readonly #registry: SchemaRegistry;
  readonly #consumer: ReturnType<Kafka['consumer']>;

  constructor(brokers: readonly string[], registry: string) {
    const kafka = new Kafka({ clientId: 'outside', brokers: [...brokers], logLevel: logLevel.NOTHING });
    this.#consumer = kafka.consumer({ groupId: `${pipeline}-readers` });
    const avro = { wrapUnions: true, typeHook } as unknown as Partial<avsc.ForSchemaOptions>;
    this.#registry = new SchemaRegistry({ host: registry }, { [SchemaType.AVRO]: avro });
  }

  async start(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: new RegExp(`^${pipeline}\\.`), fromBeginning: true });
    await this.#consumer.run({
      eachMessage: async ({ topic, message }) => {
        await this.#read(topic, message).catch((error: unknown) => {
          this.#trouble ??= new Error(`${topic} at ${message.offset}: ${String(error)}`, { cause: error });
        });
      },
    });
  }

  /** What has been read so far. Throws what could not be. */
  read(topic: string): ReadTopic | undefined {
    if (this.#trouble !== undefined) throw this.#trouble;
    return this.topics.get(topic);
  }

  async #read(topic: string, { key, value }: KafkaMessage): Promise<void> {
    const known: ReadTopic = this.topics.get(topic) ?? {
      ...{ rows: new Map(), ops: [], tombstones: 0 },
      emptiedAt: -1n,
    };
    this.topics.set(topic, known);
    const id = key === null ? undefined : ((await this.#registry.decode(key)) as { id: number }).id;
    if (value === null) {
      known.tombstones++;
      return;
    }
    const { op, after, source } = (await this.#registry.decode(value)) as Envelope;
    expect(topic).toBe(`${pipeline}.${source.schema}.${source.table}`);
    known.ops.push(op);
    // A union comes wrapped in its branch's name.
    const lsn = Object.values(source.lsn ?? {})[0] ?? 0n;
    if (op === 't') {
      known.rows.clear();
      known.emptiedAt = lsn;
    } else if (lsn < known.emptiedAt) return;
    else if (after === null) known.rows.delete(id as number);
    else known.rows.set(id as number, Object.values(after)[0] ?? {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.disconnect();
  }
}

const rows_max = Math.max(...valueCorpus.map(({ values }) => values.length));
const cells = (row: number): string =>
  valueCorpus.map(({ type, values }) => `(${values[row % values.length]})::${type}`).join(', ');

/** `everything` has a column of every type. */
const setUp = [
  'CREATE TABLE orders (id int PRIMARY KEY, note text, total bigint NOT NULL)',
  `INSERT INTO orders SELECT i, 'order ' || i, 9007199254740993 + i FROM generate_series(1, 200) i`,
  ...valueCorpus.flatMap((sample) => sample.setUp ?? []),
  `CREATE TABLE everything (id int PRIMARY KEY, ${valueCorpus.map(({ type }, i) => `c${i} ${type}`).join(', ')})`,
  ...Array.from({ length: rows_max }, (_, row) => `INSERT INTO everything VALUES (${row}, ${cells(row)})`),
  'CREATE TABLE emptied (id int PRIMARY KEY)',
  'INSERT INTO emptied VALUES (1), (2)',
];

const changes = [
  'UPDATE orders SET note = NULL WHERE id <= 20',
  'DELETE FROM orders WHERE id > 190',
  'UPDATE orders SET id = id + 1000 WHERE id BETWEEN 181 AND 185',
  'ALTER TABLE orders ADD price numeric(10, 2)',
  `INSERT INTO orders VALUES (301, 'with a price', 1, 12.50)`,
  ...Array.from(
    { length: rows_max },
    (_, row) => `INSERT INTO everything VALUES (${1000 + row}, ${cells(row)})`,
  ),
  'CREATE TABLE later (id int PRIMARY KEY)',
  'ALTER PUBLICATION outside ADD TABLE later',
  'INSERT INTO later VALUES (1)',
  'TRUNCATE emptied',
];

describe('an outside consumer of a running pipeline on Kafka', () => {
  let leader: PgServer;
  let replica: PgServer;
  let brokers: readonly string[];
  beforeAll(async () => {
    leader = await startPostgres({ version: 18 });
    replica = await startPostgres({ version: 18 });
    brokers = await kafkaBrokers();
  });
  afterAll(async () => {
    await Promise.all([leader.remove(), replica.remove()]);
  });

  it(
    'decodes every event of every topic through our registry, and ends with the leader’s rows',
    async () => {
      const client = await leader.connect();
      for (const statement of setUp) await client.query(statement);
      const folder = tempFolder('millrace-outside');
      writeFileSync(join(folder, 'millrace.yaml'), configuration(leader, replica, brokers));
      // A process of its own that may only read, there before the log is.
      const registry = new Command(['registry'], folder);
      let up: Command | undefined;
      try {
        await waitFor(() => registry.output.includes('there is no log yet'), {
          what: 'the registry waits',
          timeout_ms: arrival_ms,
        });
        up = new Command(['up', '--no-input'], folder);
        const port = await waitFor(() => /"port":(\d+).*schema registry answers/.exec(registry.output)?.[1], {
          what: 'the registry answers',
          timeout_ms: arrival_ms,
        });
        await untilDone(client, up, `http://127.0.0.1:${port}`);
      } finally {
        await registry.stop();
        await up?.stop();
        await client.end();
        removeTempFolder(folder);
      }
    },
    limit_ms,
  );

  /** Until `topics` and no others are there. A consumer group finds those that come later only minutes later. */
  async function untilTopics(tables: readonly string[], up: Command): Promise<void> {
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const wanted = tables.map((table) => `${pipeline}.public.${table}`).sort();
      const made = async () => (await admin.listTopics()).filter((topic) => topic.startsWith(`${pipeline}.`));
      await waitFor(async () => (await made()).sort().join() === wanted.join(), {
        what: `all topics are made:\n${up.output}`,
        timeout_ms: arrival_ms,
      });
    } finally {
      await admin.disconnect();
    }
  }

  /** Reads while the pipeline runs, until consumer and leader agree on every table. */
  async function untilDone(client: pg.Client, up: Command, registry: string): Promise<void> {
    await using consumer = new OutsideConsumer(brokers, registry);
    const tables = ['orders', 'everything', 'emptied'];
    await untilTopics(tables, up);
    for (const statement of changes) await client.query(statement);
    tables.push('later');
    await untilTopics(tables, up);
    await consumer.start();
    for (const table of tables) {
      const { rows } = await client.query<{ id: number }>(`SELECT id FROM ${table} ORDER BY id`);
      const wanted = rows.map(({ id }) => id).join();
      const ids = (): string =>
        [...(consumer.read(`${pipeline}.public.${table}`)?.rows.keys() ?? [])].sort((a, b) => a - b).join();
      await waitFor(() => ids() === wanted, {
        what: `${table}: the consumer has rows ${ids()}, the leader ${wanted}\n${up.output}`,
        timeout_ms: arrival_ms,
      });
    }
    // A value of every type came as what its snapshot read was.
    const { rows: everything = new Map() } = consumer.read(`${pipeline}.public.everything`) ?? {};
    for (let row = 0; row < rows_max; row++)
      expect({ ...everything.get(1000 + row), id: row }).toEqual({ ...everything.get(row) });
    const orders = consumer.read(`${pipeline}.public.orders`);
    expect(orders?.rows.get(7)).toEqual({ id: 7, note: null, total: 9007199254741000n });
    expect(orders?.rows.get(301)).toMatchObject({ id: 301, note: { string: 'with a price' } });
    expect(orders?.rows.get(301)).toHaveProperty('price');
    expect(new Set(orders?.ops)).toEqual(new Set(['r', 'c', 'u', 'd']));
    expect(orders?.tombstones).toBe(15);
    expect(consumer.read(`${pipeline}.public.emptied`)?.ops).toContain('t');
  }
});

const configuration = (leader: PgServer, replica: PgServer, brokers: readonly string[]): string =>
  `pipeline: ${pipeline}
leader: { url: "${leader.url}", publication: outside }
log: { kafka: { brokers: [${brokers.map((broker) => JSON.stringify(broker)).join(', ')}], topics: { partitions: 2 } } }
registry: { listen: "127.0.0.1:0" }
followers: { replica: { postgres: { url: "${replica.url}" } } }
monitor: { listen: "127.0.0.1:0" }
`;
