import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn, parsePosition } from '@millrace/model';
import {
  type PgServer,
  type PostgresVersion,
  startPostgres,
  tempFolder,
  waitFor,
} from '@millrace/test-support';
import type pg from 'pg';
import { KafkaBackbone } from './kafka-backbone.js';
import { Pipeline, parts } from './pipeline.js';
import { MemoryWatch } from './resident-memory.js';

const patience_ms = 1_800_000;
const warmUp_ms = 120_000;

export interface MemoryOptions {
  readonly version: PostgresVersion;
  readonly rows: number;
  /** Rows per leader transaction; `rows` for one huge transaction. */
  readonly rowsPerTransaction: number;
  /** Through a broker instead of the embedded log. */
  readonly kafka: boolean;
  readonly report: (line: string) => void;
}

export interface MemoryResult {
  /** Peak anonymous memory per process, MiB. */
  readonly peaks_mib: Readonly<Record<string, number>>;
  readonly rows: number;
  readonly seconds: number;
}

/**
 * Piles up `rows` rows on the leader while nothing reads, then lets the pipeline work them off into both followers and
 * measures the peak of anonymous memory of each process (promise 7).
 */
export async function measureMemory(options: MemoryOptions): Promise<MemoryResult> {
  await using leader = await startPostgres({ version: options.version, conf: { max_wal_size: '4GB' } });
  await using replica = await startPostgres({ version: options.version, conf: { max_wal_size: '4GB' } });
  const client = await leader.connect();
  await client.query('CREATE TABLE bulk (id bigint PRIMARY KEY, a int, b text, at timestamptz)');
  await using kafka = options.kafka ? await KafkaBackbone.start(1) : undefined;
  const pipeline = new Pipeline({
    folder: tempFolder('millrace-memory'),
    leaderUrl: leader.url,
    replicaUrl: replica.url,
    tables: ['public.bulk'],
    retention: '{ bytes: 100GiB, followers: hold }',
    ...(kafka && { log: kafka.yaml }),
  });
  try {
    await openPipeline(pipeline, client, replica);
    options.report(`piling up ${options.rows} rows, ${options.rowsPerTransaction} per transaction`);
    await pileUp(client, options);
    const started = performance.now();
    for (const part of parts) pipeline.start(part);
    const watch = new MemoryWatch(new Map(parts.map((part) => [part, pipeline.part(part).pid])));
    await untilHeld(pipeline, client, replica, options);
    const peaks = watch.stop();
    await pipeline.stop();
    return {
      peaks_mib: Object.fromEntries([...peaks].map(([name, bytes]) => [name, Math.round(bytes / 2 ** 20)])),
      rows: options.rows,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await client.end();
    await pipeline.destroy();
  }
}

/** Creates the slot and passes the empty snapshot, then stops: what follows is a backlog. */
async function openPipeline(pipeline: Pipeline, client: pg.Client, replica: PgServer): Promise<void> {
  for (const part of parts) pipeline.start(part);
  await client.query(`INSERT INTO bulk VALUES (0, 0, 'first', now())`);
  await waitFor(async () => (await heldRows(replica)) === 1, {
    what: 'the first row arrived',
    timeout_ms: warmUp_ms,
  });
  await pipeline.stop();
}

async function pileUp(client: pg.Client, { rows, rowsPerTransaction }: MemoryOptions): Promise<void> {
  for (let from = 1; from <= rows; from += rowsPerTransaction) {
    const to = Math.min(rows, from + rowsPerTransaction - 1);
    await client.query(
      `INSERT INTO bulk SELECT i, i % 1000, 'row number ' || i, now() FROM generate_series($1::bigint, $2::bigint) i`,
      [from, to],
    );
  }
}

async function heldRows(server: PgServer): Promise<number> {
  const client = await server.connect();
  try {
    const exists = await client.query(`SELECT to_regclass('public.bulk') IS NOT NULL AS yes`);
    if (!exists.rows[0]?.yes) return 0;
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM bulk');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

/** Both followers at the leader's position of now: the replica by its rows, the lake by its reported position. */
async function untilHeld(
  pipeline: Pipeline,
  client: pg.Client,
  replica: PgServer,
  { rows, report }: MemoryOptions,
): Promise<void> {
  const { rows: positions } = await client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  const target = positions[0]?.lsn ?? '';
  await waitFor(
    async () => {
      await sleep(2_000);
      pipeline.assertRunning();
      const held = await heldRows(replica);
      report(`replica holds ${held} of ${rows + 1}`);
      return held === rows + 1;
    },
    { what: 'the replica holds every row', timeout_ms: patience_ms },
  );
  await waitFor(
    async () => {
      await sleep(2_000);
      pipeline.assertRunning();
      return reached(await positionOf(pipeline, 'lake'), target);
    },
    { what: `the lake is at ${target}`, timeout_ms: patience_ms },
  );
}

async function positionOf(pipeline: Pipeline, follower: string): Promise<string | undefined> {
  const command = pipeline.command('status', '--json');
  await command.exited;
  const status = JSON.parse(command.data) as { followers: { edge: string; position: string | null }[] };
  return status.followers.find((entry) => entry.edge === follower)?.position ?? undefined;
}

function reached(position: string | undefined, target: string): boolean {
  return position !== undefined && parsePosition(position).end >= parseLsn(target);
}
