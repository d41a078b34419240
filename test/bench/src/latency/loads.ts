import type { RunOptions } from '../comparison/comparison.js';
import type { Contestant, Stand } from '../contestants/contestant.js';
import { checkpoint } from '../stand/leader.js';
import { emptyTables, untilFollowing } from './arrival.js';
import { Commits } from './commits.js';
import type { LatencyContestant } from './contestant.js';
import type { Load } from './run.js';

const lightCommitsPerSecond = 50;
const measured_s = 25;
const measured_s_min = 3;
const warmUp_s = 3;
/** A Java machine takes that long until its hot code is compiled. */
const longWarmUp_s = 15;
/** As in W2; large enough that one connection can offer half of any drain rate seen. */
const rowsPerCommit = 1_000;
/** Share of W2's million rows that tells a drain rate. */
const calibrationScale = 0.3;
/** Of a burst that tells how fast somebody follows. */
const burstRows = 100_000;
const burstCommits_min = 10;
const halfLoadPause_ms = 1;

const secondsAt = (scale: number): number => Math.max(measured_s_min, measured_s * scale);

/** Fifty one-row commits a second: somebody types. */
export async function lightLoad(_stand: Stand, { scale }: RunOptions): Promise<Load> {
  return {
    commitsPerSecond: lightCommitsPerSecond,
    warmUp_s,
    seconds: secondsAt(scale),
    rows: 1,
    pause_ms: 0,
  };
}

/** Half of the rate at which `contestant` drains W2 here and now. The peer meets the same load. */
export function halfOfDrain(contestant: Contestant) {
  return async (stand: Stand, options: RunOptions, lane: number): Promise<Load> => {
    options.say(`measuring the drain rate of ${contestant.name}`);
    await emptyTables(stand);
    const prepared = await contestant.prepare(stand, lane);
    try {
      const backlog = await stand.workload.fill(stand.leader, calibrationScale * Math.min(1, options.scale));
      await checkpoint(stand.leader);
      const { events, seconds } = await prepared.drain(backlog);
      return halfOf(events / seconds, options);
    } finally {
      await prepared.remove();
    }
  };
}

/**
 * Half of the rate at which the slower of the two takes a burst while it follows: W2's rows, `rows` to a commit, committed as
 * fast as the leader can, from the first commit to the last row visible. Both meet the same load, and neither one that it cannot bear.
 */
export function halfOfSlower(contestants: readonly LatencyContestant[], rows: number) {
  return async (stand: Stand, options: RunOptions, firstLane: number): Promise<Load> => {
    const rates: number[] = [];
    for (const [index, contestant] of contestants.entries()) {
      options.say(`measuring how fast ${contestant.name} takes a burst`);
      rates.push(await burstRate(contestant, stand, { lane: firstLane + index, rows, scale: options.scale }));
    }
    const load = halfOf(Math.min(...rates), options, rows);
    return { ...load, warmUp_s: Math.max(warmUp_s, longWarmUp_s * Math.min(1, options.scale)) };
  };
}

async function burstRate(
  contestant: LatencyContestant,
  stand: Stand,
  { lane, rows, scale }: { readonly lane: number; readonly rows: number; readonly scale: number },
): Promise<number> {
  await emptyTables(stand);
  const following = await contestant.start(stand, lane);
  const leader = await stand.leader.connect();
  try {
    await untilFollowing(stand, following);
    const commits = await Commits.after(leader, rows);
    const count = Math.max(burstCommits_min, Math.round((burstRows / rows) * Math.min(1, scale)));
    const started_ms = performance.now();
    for (let index = 0; index < count; index++) await commits.make(index);
    await untilFollowing(stand, following);
    return (count * rows) / ((performance.now() - started_ms) / 1_000);
  } finally {
    await leader.end();
    await following.stop();
  }
}

function halfOf(rowsPerSecond: number, { scale }: RunOptions, rows = rowsPerCommit): Load {
  return {
    commitsPerSecond: rowsPerSecond / 2 / rows,
    warmUp_s,
    seconds: secondsAt(scale),
    rows,
    pause_ms: halfLoadPause_ms,
  };
}
