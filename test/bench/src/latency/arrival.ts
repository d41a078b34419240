import { setTimeout as sleep } from 'node:timers/promises';
import { connectTo } from '@millrace/test-support';
import type { Stand } from '../contestants/contestant.js';
import { Commits, shownBy } from './commits.js';
import type { Following } from './contestant.js';

const poll_ms = 20;
const arrival_ms_max = 180_000;
const undefinedTable = '42P01';

/**
 * Commits one marker and waits until the follower shows it, and all rows before it: whoever started has come to live
 * replication then.
 */
export async function untilFollowing(stand: Stand, following: Following): Promise<void> {
  const leader = await stand.leader.connect();
  const follower = await connectTo(following.followerUrl);
  try {
    // Of both tables: who meets one for the first time opens statements and loads classes for it.
    await (await Commits.after(leader, 2)).make(0);
    const wanted = await shownBy(leader);
    const deadline = performance.now() + arrival_ms_max;
    for (;;) {
      const shown = await shownBy(follower).catch((error: unknown) => {
        // A contestant that makes its tables itself has not come so far.
        if ((error as { code?: string }).code !== undefinedTable) throw error;
        return undefined;
      });
      if (shown?.marker === wanted.marker && shown.row === wanted.row) return;
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
