import type { PgServer } from '@millrace/test-support';

/** Rows that qualified `tables` ever lost, as the leader's statistics count them: each is followed by a tombstone. */
export async function deletedRows(leader: PgServer, tables: readonly string[]): Promise<number> {
  const client = await leader.connect();
  try {
    const { rows } = await client.query<{ deleted: number }>(
      `SELECT coalesce(sum(n_tup_del), 0)::float8 AS deleted FROM pg_stat_user_tables
       WHERE schemaname || '.' || relname = ANY ($1)`,
      [tables],
    );
    return rows[0]?.deleted ?? 0;
  } finally {
    await client.end();
  }
}
