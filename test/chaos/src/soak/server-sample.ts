import type { PgServer } from '@millrace/test-support';
import type pg from 'pg';

/** What Millrace holds on the leader. */
export interface LeaderSample {
  readonly backends: number;
  readonly slots: number;
  readonly wal_bytes: number;
  /** WAL that the pipeline's slot keeps. */
  readonly retained_bytes: number;
}

/** What Millrace holds on the PostgreSQL follower. */
export interface FollowerSample {
  readonly backends: number;
  readonly locks: number;
  readonly prepared: number;
  /** Its own tables there. */
  readonly meta_bytes: number;
}

const leaderText = `SELECT
  (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'millrace%')::int AS backends,
  (SELECT count(*) FROM pg_replication_slots)::int AS slots,
  (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir())::float8 AS wal_bytes,
  (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)
     FROM pg_replication_slots WHERE slot_name LIKE 'millrace%')::float8 AS retained_bytes`;

const followerText = `SELECT
  (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'millrace%')::int AS backends,
  (SELECT count(*) FROM pg_locks WHERE pid IN
     (SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'millrace%'))::int AS locks,
  (SELECT count(*) FROM pg_prepared_xacts)::int AS prepared,
  (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'millrace' AND c.relkind IN ('r', 'm'))::float8 AS meta_bytes`;

export const sampleLeader = (server: PgServer): Promise<LeaderSample> =>
  one<LeaderSample>(server, leaderText);

export const sampleFollower = (server: PgServer): Promise<FollowerSample> =>
  one<FollowerSample>(server, followerText);

async function one<Row extends pg.QueryResultRow>(server: PgServer, text: string): Promise<Row> {
  const client = await server.connect();
  try {
    const { rows } = await client.query<Row>(text);
    return rows[0] as Row;
  } finally {
    await client.end();
  }
}
