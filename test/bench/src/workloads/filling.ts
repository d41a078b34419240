import type { PgServer } from '@millrace/test-support';
import type pg from 'pg';
import type { Filled } from './workload.js';

export const endTable = 'public.bench_end';
const endTableSql = 'CREATE TABLE bench_end (marker int PRIMARY KEY)';

/** A narrow row: what rates per row are measured with. */
export const narrowTable = 'public.narrow';
const narrowSql = 'CREATE TABLE narrow (id bigint PRIMARY KEY, a int, b text, c timestamptz)';
/** Its columns for row `id`, as a select list. */
export const narrowRow = (id: string): string => `${id}, (${id}) % 1000, 'row number ' || (${id}), now()`;

export async function withClient<T>(leader: PgServer, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await leader.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

export async function createTables(leader: PgServer, sql: string): Promise<void> {
  await withClient(leader, (client) => client.query(`${sql}; ${endTableSql}`));
}

export const createNarrow = (leader: PgServer): Promise<void> => createTables(leader, narrowSql);

/**
 * Runs `body` for `i` in 0…count − 1 inside of the server, each in a transaction of its own. The WAL is that of a
 * client with as many round trips; only the commits do not wait for the disk, so that filling takes seconds.
 */
export async function repeat(leader: PgServer, count: number, body: string): Promise<void> {
  if (count === 0) return;
  await withClient(leader, async (client) => {
    await client.query('SET synchronous_commit = off');
    await client.query(`DO $$ BEGIN
      FOR i IN 0 .. ${count - 1} LOOP ${body}; COMMIT; END LOOP;
    END $$`);
  });
}

/** The published count at scale 1, and at least one. */
export function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}

const marker = 1;
const probeSlot = 'bench_end_probe';

/** Writes the end marker's transaction and says where it ended; `events` and `transactions` are those before it. */
export async function markEnd(leader: PgServer, events: number, transactions: number): Promise<Filled> {
  return withClient(leader, async (client) => {
    // The flush position may lie beyond the commit already, behind records that no plugin shows: a slot tells exactly.
    await client.query(`SELECT pg_create_logical_replication_slot('${probeSlot}', 'pgoutput', true)`);
    await client.query('INSERT INTO bench_end VALUES ($1)', [marker]);
    const { rows } = await client.query<{ lsn: string }>(
      `SELECT lsn::text FROM pg_logical_slot_get_binary_changes('${probeSlot}', NULL, NULL,
         'proto_version', '1', 'publication_names', 'bench')`,
    );
    const end = rows.at(-1)?.lsn;
    if (end === undefined) throw new Error('the end marker is not in the publication "bench"');
    await client.query(`SELECT pg_drop_replication_slot('${probeSlot}')`);
    return { events: events + 1, transactions: transactions + 1, end, marker };
  });
}
