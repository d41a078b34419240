import { connectTo } from '@millrace/test-support';
import type { Stand } from '../contestants/contestant.js';
import { Commits, shownBy } from './commits.js';
import type { Following } from './contestant.js';
import { type Generated, generate } from './generator.js';
import { Observer } from './observer.js';
import { poissonSchedule } from './schedule.js';

/** What a leader is asked to commit, and how closely the follower is watched. */
export interface Load {
  readonly commitsPerSecond: number;
  /** Programs compile, connections plan, and caches fill: commits of this time come first and are not counted. */
  readonly warmUp_s: number;
  /** Measured time. */
  readonly seconds: number;
  /** Rows per commit, the marker's included. */
  readonly rows: number;
  /** Pause between two looks at the follower; 0 for none. */
  readonly pause_ms: number;
}

export interface LatencyRun extends Generated {
  /** Commit acknowledged at the leader to row seen in the follower, in order of commits, warm-up left out. */
  readonly latencies_ms: readonly number[];
}

/** After the last commit. What takes longer has not followed at all. */
const trailing_ms_max = 120_000;

/** Commits on schedule and watches. Throws when a commit does not become visible within two minutes. */
export async function runLoad(
  stand: Stand,
  following: Following,
  load: Load,
  seed: number,
  interrupted: AbortSignal,
): Promise<LatencyRun> {
  const leader = await stand.leader.connect();
  const follower = await connectTo(following.followerUrl);
  const stop = new AbortController();
  const signal = AbortSignal.any([interrupted, stop.signal]);
  try {
    const commits = await Commits.after(leader, load.rows);
    const observer = new Observer({
      highest: async () => commits.lastWhole(await shownBy(follower)),
      pause_ms: load.pause_ms,
    });
    const schedule = poissonSchedule({ ...load, seconds: load.seconds + load.warmUp_s, seed });
    const watching = observer.run(signal);
    const generated = await generate({
      schedule,
      commit: (index) => commits.make(index),
      onCommitted: (index) => observer.committed(commits.markerOf(index)),
      signal,
    });
    observer.end();
    const timer = setTimeout(() => stop.abort(), trailing_ms_max);
    const seen = await watching.finally(() => clearTimeout(timer));
    following.assertAlive();
    if (observer.waiting > 0) throw new Error(`${observer.waiting} commits never became visible`);
    const counted = schedule.flatMap((due_ms, index) => (due_ms >= load.warmUp_s * 1_000 ? [index] : []));
    return {
      ...generated,
      latencies_ms: counted.map((index) => seen.get(commits.markerOf(index)) ?? Number.NaN),
    };
  } finally {
    stop.abort();
    await Promise.all([leader.end(), follower.end()]);
  }
}
