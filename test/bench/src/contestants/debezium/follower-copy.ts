import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { withClient } from '../../workloads/filling.js';
import type { Stand } from '../contestant.js';
import { countRows, leaderRows } from '../followers/row-counts.js';
import { tableDefinitions } from '../followers/table-shapes.js';

const poll_ms = 100;
const copy_ms_max = 300_000;

/** Makes the workload's tables in a follower, with the columns and keys they have on the leader. */
export async function makeTables({ leader, workload }: Stand, follower: pg.Client): Promise<void> {
  const definitions = await withClient(leader, (client) => tableDefinitions(client, workload.tables));
  for (const definition of definitions) await follower.query(definition);
}

/** Resolves when the follower has as many rows of every table as the leader. `failed` throws when it never will. */
export async function untilCopied(stand: Stand, follower: pg.Client, failed: () => void): Promise<void> {
  const { tables } = stand.workload;
  const wanted = await leaderRows(stand.leader, tables);
  const deadline = performance.now() + copy_ms_max;
  for (;;) {
    const counts = await countRows(follower, tables);
    if ([...wanted].every(([table, rows]) => counts.get(table) === rows)) return;
    failed();
    if (performance.now() > deadline) throw new Error(`the follower lacks rows after ${copy_ms_max} ms`);
    await sleep(poll_ms);
  }
}
