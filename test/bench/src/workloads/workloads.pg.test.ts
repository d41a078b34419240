import { type PgServer, startPostgres } from '@millrace/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publication } from '../contestants/contestant.js';
import { withClient } from './filling.js';
import type { Filled, WorkloadName } from './workload.js';
import { workloads } from './workloads.js';

const slot = 'counting';
const scale = 0.0005;

/** What pgoutput shows of the backlog: rows, commits, and where the last one ended. */
async function decoded(leader: PgServer): Promise<Omit<Filled, 'marker'>> {
  return withClient(leader, async (client) => {
    const { rows } = await client.query<{ events: number; transactions: number; end: string }>(
      `SELECT count(*) FILTER (WHERE kind IN ('I', 'U', 'D'))::int AS events,
              count(*) FILTER (WHERE kind = 'C')::int AS transactions,
              max(lsn)::text AS end
       FROM (SELECT lsn, chr(get_byte(data, 0)) AS kind FROM pg_logical_slot_get_binary_changes(
         '${slot}', NULL, NULL, 'proto_version', '1', 'publication_names', '${publication}')) AS messages`,
    );
    const [found] = rows;
    if (!found) throw new Error('no rows');
    return found;
  });
}

describe.each(Object.keys(workloads) as WorkloadName[])('workload %s', (name) => {
  const workload = workloads[name];
  let leader: PgServer;

  beforeAll(async () => {
    leader = await startPostgres({ version: 18 });
  });

  afterAll(() => leader.remove());

  it('writes as many events and transactions as it says, and ends where it says, with its marker', async () => {
    await workload.createTables(leader);
    await withClient(leader, async (client) => {
      await client.query(`CREATE PUBLICATION ${publication} FOR TABLE ${workload.tables.join(', ')}`);
      await client.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    });
    const { marker, ...filled } = await workload.fill(leader, scale);
    expect(await decoded(leader)).toEqual(filled);
    expect(filled.events).toBeGreaterThan(filled.transactions > 2 ? 8 : 1);
    await withClient(leader, async (client) => {
      const { rows } = await client.query('SELECT marker FROM bench_end');
      expect(rows).toEqual([{ marker }]);
    });
  });
});
