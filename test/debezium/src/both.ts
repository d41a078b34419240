import { pgDatabase, type TestDatabase, waitFor } from '@millrace/test-support';
import type pg from 'pg';
import { AvroConsumer } from './avro-consumer.js';
import { connectorProperties, type DebeziumRecord, DebeziumTap, type JavaProgram } from './debezium-tap.js';
import type { AvroTexts, JsonRecord, TopicRecord } from './exact.js';
import { MillraceTap, type RawRecord } from './millrace-tap.js';
import { inPublic, type TableName, type Workload } from './workload/workload.js';

export interface AvroRecord extends TopicRecord {
  readonly avro: AvroTexts;
}

/** What was published about the same changes. */
export interface Outcome {
  /** By Debezium's connector in its default configuration. */
  readonly debezium: readonly DebeziumRecord[];
  /**
   * By a second one with `schema.name.adjustment.mode` and `field.name.adjustment.mode` = avro, of `adjusted` tables alone, and
   * `message.prefix.exclude.list` = millrace.*
   */
  readonly adjusted: readonly DebeziumRecord[];
  /** By a third one in default configuration, of tables that are not for us. */
  readonly alone: readonly DebeziumRecord[];
  /** By our capture with preset `debezium`, one per format. */
  readonly avro: readonly AvroRecord[];
  readonly json: readonly JsonRecord[];
}

export const prefix = 'shop';
/** The first change is a commit that all see: what each was sent before it depends on when its slot came to be. */
const edges = inPublic('the_start', 'the_end');
const firstTopic = `${prefix}.public.the_start`;
const lastTopic = `${prefix}.public.the_end`;
const isWithin = ({ topic }: { readonly topic: string }): boolean => topic !== firstTopic;
const step_ms = 120_000;
const engines = ['plain', 'adjusted', 'alone'] as const;

export interface ComparedRun {
  readonly workload: Workload;
  /** Those of its tables whose names Avro does not allow. */
  readonly adjusted: readonly TableName[];
  /** What Debezium's connector alone reads. */
  readonly alone: Workload;
}

/**
 * Runs a workload on a leader that Debezium's connectors and our captures read at the same time, each through a slot and a
 * publication of its own, from their snapshots to the last change.
 */
export async function runBoth(program: JavaProgram, run: ComparedRun): Promise<Outcome> {
  const { workload, alone } = run;
  await using database = await pgDatabase(18);
  const leader = await database.connect();
  try {
    // A thousand small transactions need not wait for the disk one by one.
    await leader.query('SET synchronous_commit = off');
    await each(leader, [
      ...workload.setUp,
      ...alone.setUp,
      ...edges.map(({ name }) => `CREATE TABLE ${name} (id int PRIMARY KEY)`),
    ]);
    const tables = [...workload.tables, ...edges];
    await using avro = await MillraceTap.open({ database, prefix, format: 'avro', tables });
    await using json = await MillraceTap.open({ database, prefix, format: 'json', tables });
    await using debezium = new DebeziumTap(program, connectorsOf(database, run));
    const haveEnded = async (): Promise<boolean[]> => [
      ...engines.map((engine) => debezium.has(engine, lastTopic)),
      await avro.has(lastTopic),
      await json.has(lastTopic),
    ];
    const slots = [avro.slot, json.slot, ...engines.map((engine) => slotOf(database, engine))];
    await watched(haveEnded, () => allStream(leader, slots), 'all readers stream');
    await each(leader, [
      'INSERT INTO the_start VALUES (1)',
      ...workload.changes,
      ...alone.changes,
      'INSERT INTO the_end VALUES (1)',
    ]);
    await watched(
      haveEnded,
      async (ended) => ended.every((has) => has),
      'all have published the last change',
    );
    return await outcomeOf(debezium, avro, json);
  } finally {
    await leader.end();
  }
}

/** The three of Debezium's connectors that an {@link Outcome} names, in their configuration. */
function connectorsOf(
  database: TestDatabase,
  { workload, adjusted, alone }: ComparedRun,
): Record<(typeof engines)[number], Record<string, string>> {
  return {
    plain: connectorOf(database, 'plain', [...workload.tables, ...edges]),
    adjusted: {
      ...connectorOf(database, 'adjusted', [...adjusted, ...edges]),
      'schema.name.adjustment.mode': 'avro',
      'field.name.adjustment.mode': 'avro',
      'message.prefix.exclude.list': 'millrace.*',
      ...metricsOf('adjusted'),
    },
    alone: { ...connectorOf(database, 'alone', [...alone.tables, ...edges]), ...metricsOf('alone') },
  };
}

async function outcomeOf(debezium: DebeziumTap, avro: MillraceTap, json: MillraceTap): Promise<Outcome> {
  const avroRecords = (await avro.records()).filter(isWithin);
  const jsonRecords = (await json.records()).filter(isWithin);
  return {
    debezium: debezium.records('plain').filter(isWithin),
    adjusted: debezium.records('adjusted').filter(isWithin),
    alone: debezium.records('alone').filter(isWithin),
    avro: await readAvro(avroRecords, new AvroConsumer((id) => avro.schemas.get(id))),
    json: jsonRecords.map(({ topic, key, value }) => ({ topic, key: textOf(key), value: textOf(value) })),
  };
}

const slotOf = (database: TestDatabase, name: string): string => `debezium_${name}_${database.name}`;

/** Or the connectors of one Java process would register their metrics under one name. */
const metricsOf = (engine: string): Record<string, string> => ({ 'custom.metric.tags': `engine=${engine}` });

/** The connector's default configuration, but for what it reads, and truncates, which it leaves out by default. */
const connectorOf = (
  database: TestDatabase,
  name: string,
  tables: readonly TableName[],
): Record<string, string> => ({
  ...connectorProperties({
    url: database.url,
    prefix,
    slot: slotOf(database, name),
    publication: `debezium_${name}`,
  }),
  'publication.autocreate.mode': 'filtered',
  'table.include.list': tables
    .map(({ schema, name: table }) => `${literally(schema)}\\.${literally(table)}`)
    .join(','),
  'skipped.operations': 'none',
});

/** For a regular expression. */
const literally = (name: string): string => name.replace(/[^A-Za-z0-9_]/gu, '\\$&');

async function each(leader: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    try {
      await leader.query(statement);
    } catch (error) {
      throw new Error(`${statement.slice(0, 300)}: ${String(error)}`, { cause: error });
    }
  }
}

/** All snapshots are done: then every slot streams. */
async function allStream(leader: pg.Client, slots: readonly string[]): Promise<boolean> {
  const { rowCount } = await leader.query(
    `SELECT FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
     WHERE s.slot_name = ANY($1) AND r.state = 'streaming'`,
    [slots],
  );
  return rowCount === slots.length;
}

/** Waits for `probe`, which gets what `look` saw; what `look` throws ends the wait, as a reader that stopped will not go on. */
async function watched<T>(
  look: () => Promise<T>,
  probe: (seen: T) => Promise<boolean>,
  what: string,
): Promise<void> {
  const failure = await waitFor(
    async () => {
      try {
        const seen = await look();
        return (await probe(seen)) && { error: undefined };
      } catch (error) {
        return { error };
      }
    },
    { what, timeout_ms: step_ms },
  );
  if (failure.error !== undefined) throw failure.error;
}

const nothing = { value: null, schema: null, text: null };

const textOf = (bytes: Buffer | null): string | null => bytes?.toString('utf8') ?? null;

async function readAvro(records: readonly RawRecord[], consumer: AvroConsumer): Promise<AvroRecord[]> {
  const found: AvroRecord[] = [];
  for (const { topic, key, value } of records) {
    const k = key ? await consumer.read(key) : nothing;
    const v = value ? await consumer.read(value) : nothing;
    found.push({
      ...{ topic, key: k.value, keySchema: k.schema },
      ...{ value: v.value, valueSchema: v.schema, headers: {} },
      avro: { key: k.text, value: v.text },
    });
  }
  return found;
}
