import { setTimeout as sleep } from 'node:timers/promises';
import { connectTo } from '@millrace/test-support';
import type { Stand } from '../contestants/contestant.js';
import { Commits } from './commits.js';
import type { Following } from './contestant.js';

const poll_ms = 20;
const arrival_ms_max = 180_000;
const undefinedTable = '42P01';

/** Commits one marker and waits until the follower shows it: whoever started has come to live replication then. */
export async function untilFollowing(stand: Stand, following: Following): Promise<void> {
  const leader = await stand.leader.connect();
  const follower = await connectTo(following.followerUrl);
  try {
    const commits = await Commits.after(leader, 1);
    await commits.make(0);
    const deadline = performance.now() + arrival_ms_max;
    for (;;) {
      const { rowCount } = await follower
        .query('SELECT 1 FROM bench_end WHERE marker = $1', [commits.markerOf(0)])
        .catch((error: unknown) => {
          // A contestant that makes its tables itself has not come so far.
          if ((error as { code?: string }).code !== undefinedTable) throw error;
          return { rowCount: 0 };
        });
      if (rowCount === 1) return;
      following.assertAlive();
      if (performance.now() > deadline) throw new Error(`nothing arrived within ${arrival_ms_max} ms`);
      await sleep(poll_ms);
    }
  } finally {
    await Promise.all([leader.end(), follower.end()]);
  }
}

/** Empties the leader's tables while nobody follows, so that each contestant starts from the same. */
export async function emptyTables(stand: Stand): Promise<void> {
  const leader = await stand.leader.connect();
  try {
    await leader.query(`TRUNCATE ${stand.workload.tables.join(', ')}`);
    await leader.query('CHECKPOINT');
  } finally {
    await leader.end();
  }
}
