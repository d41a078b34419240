import { type PgServer, startPostgres } from '@millrace/test-support';
import { publication } from '../contestants/contestant.js';
import { withClient } from '../workloads/filling.js';
import type { Workload } from '../workloads/workload.js';

/** Slots and senders beyond the lanes': for native subscriptions' table synchronisation and for looking. */
const spareSlots = 10;

/** The version that every figure is taken on. */
export const leaderVersion = 18;

/**
 * A leader as it comes (fsync on), with room for WAL, so that no checkpoint is forced into a drain, and for a slot per
 * lane. It holds the workload's tables, still without a backlog, and the publication.
 */
export async function startLeader(workload: Workload, lanes: number): Promise<PgServer> {
  const slots = String(lanes + spareSlots);
  const leader = await startPostgres({
    version: leaderVersion,
    conf: {
      max_wal_size: '16GB',
      checkpoint_timeout: '1h',
      // It would fall on whichever lane drains a minute after the filling.
      autovacuum: 'off',
      shared_buffers: '256MB',
      max_replication_slots: slots,
      max_wal_senders: slots,
      max_connections: '200',
    },
  });
  try {
    await workload.createTables(leader);
    await withClient(leader, (client) =>
      client.query(`CREATE PUBLICATION ${publication} FOR TABLE ${workload.tables.join(', ')}`),
    );
    return leader;
  } catch (error) {
    await leader.remove();
    throw error;
  }
}

/** After it no dirty page of the filling is left, which a drain would otherwise have to wait for. */
export async function checkpoint(leader: PgServer): Promise<void> {
  await withClient(leader, (client) => client.query('CHECKPOINT'));
}

/** `18.4`. */
export async function serverVersion(leader: PgServer): Promise<string> {
  const { rows } = await withClient(leader, (client) =>
    client.query<{ server_version: string }>('SHOW server_version'),
  );
  return rows[0]?.server_version ?? 'unknown';
}
