import { setTimeout as sleep } from 'node:timers/promises';
import { type Lsn, parseLsn } from '@millrace/model';
import { pgDatabase } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { checkObservation } from './check.js';
import { CommitOrder } from './commit-order.js';
import { prepareLeader } from './leader.js';
import { runLoad } from './load.js';
import { observePostgres } from './observe-postgres.js';

const run_ms = 1_500;

describe.each([15, 18] as const)('the oracle on PostgreSQL %i', (version) => {
  it('replays the leader’s own commit order to exactly what the leader holds', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    const slot = `oracle_${database.name}`;
    await prepareLeader(client, slot);
    const stop = new AbortController();
    const load = runLoad({ url: database.url, clients: 4, pause_ms: 0, signal: stop.signal });
    const order = new CommitOrder(slot);
    await sleep(run_ms / 2);
    await order.advance(client);
    await sleep(run_ms / 2);
    stop.abort();
    const committed = await load;
    const transfers = await order.advance(client);
    expect(committed).toBeGreaterThan(100);
    expect(transfers).toHaveLength(committed);

    // The leader plays its own follower: its present position beside its tables must satisfy the judge.
    const now = await client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
    const end: Lsn = parseLsn(now.rows[0]?.lsn ?? '');
    await client.query(`CREATE SCHEMA millrace`);
    await client.query(`CREATE TABLE millrace.positions (follower text, "end" numeric, state text)`);
    await client.query(`INSERT INTO millrace.positions VALUES ('leader', $1, 'exact')`, [String(end)]);
    const observed = await observePostgres(client, 'leader');
    expect(observed && checkObservation(transfers, observed)).toEqual([]);
    await client.end();
  });
});
