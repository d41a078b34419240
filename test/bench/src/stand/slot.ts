import type { PgServer } from '@millrace/test-support';
import { withClient } from '../workloads/filling.js';

/** Makes a logical slot of pgoutput's, as a client would. */
export async function createSlot(leader: PgServer, slot: string): Promise<void> {
  await withClient(leader, (client) =>
    client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]),
  );
}
