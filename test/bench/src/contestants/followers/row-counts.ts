import type { PgServer } from '@millrace/test-support';
import type pg from 'pg';

/** Rows by table, named as given. */
export type RowCounts = ReadonlyMap<string, number>;

export async function countRows(client: pg.Client, tables: readonly string[]): Promise<RowCounts> {
  const counts = new Map<string, number>();
  for (const table of tables) {
    const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`);
    counts.set(table, Number(rows[0]?.n));
  }
  return counts;
}

/** The leader's. */
export async function leaderRows(leader: PgServer, tables: readonly string[]): Promise<RowCounts> {
  const client = await leader.connect();
  try {
    return await countRows(client, tables);
  } finally {
    await client.end();
  }
}

/** A follower that lacks rows has not been fast: throws, naming every table that differs. */
export function assertSameRows(leader: RowCounts, follower: RowCounts): void {
  const wrong = [...leader].filter(([table, rows]) => follower.get(table) !== rows);
  if (wrong.length === 0) return;
  const told = wrong.map(([table, rows]) => `${table}: ${follower.get(table)} of ${rows}`);
  throw new Error(`the follower holds other rows than the leader: ${told.join('; ')}`);
}

/** Compares the leader's tables with those of a PostgreSQL follower. */
export async function assertSameAsLeader(
  leader: PgServer,
  follower: pg.Client,
  tables: readonly string[],
): Promise<void> {
  assertSameRows(await leaderRows(leader, tables), await countRows(follower, tables));
}
