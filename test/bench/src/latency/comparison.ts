import type { Comparison, Measured, RunOptions } from '../comparison/comparison.js';
import { type Figure, type Goal, pairedFigure } from '../comparison/figure.js';
import { untilInterrupted } from '../comparison/interruption.js';
import type { Stand } from '../contestants/contestant.js';
import { comparePairs, type Pairs } from '../measure/pairs.js';
import { Cleanup } from '../stand/cleanup.js';
import { openStand } from '../stand/stand.js';
import { workloads } from '../workloads/workloads.js';
import { emptyTables, untilFollowing } from './arrival.js';
import type { LatencyContestant } from './contestant.js';
import { percentile } from './percentile.js';
import { type LatencyRun, type Load, runLoad } from './run.js';

export interface LatencyComparison {
  /** As it stands on the command line: `light`, `half`. */
  readonly workload: string;
  readonly title: string;
  readonly subject: LatencyContestant;
  readonly peer: LatencyContestant;
  readonly brokers?: 1 | 3;
  readonly goals: { readonly p50?: Goal; readonly p99?: Goal };
  /** What is to be committed; it may measure the contestants first, on lanes from `firstLane` on. */
  load(stand: Stand, options: RunOptions, firstLane: number): Promise<Load>;
}

/** Lanes that a load may use to find out how much is half. */
const calibrationLanes = 2;
/** A generator that is late more often than this has not offered the load that it stands for. */
const late_share_max = 0.05;

/** Commit to visible, pair by pair, each contestant alone on the machine. */
export function latencyComparison(spec: LatencyComparison): Comparison {
  return {
    tier: 'latency',
    workload: spec.workload,
    title: spec.title,
    subject: spec.subject.name,
    peer: spec.peer.name,
    measure: (options) => measure(spec, options),
  };
}

async function measure(spec: LatencyComparison, options: RunOptions): Promise<Measured> {
  const { brokers } = spec;
  const lanes = options.pairs * 2;
  await using cleanup = new Cleanup();
  options.say('starting servers');
  const stand = await openStand({
    workload: workloads.W2,
    lanes: lanes + calibrationLanes,
    ...(brokers && { brokers }),
  });
  cleanup.defer(() => stand[Symbol.asyncDispose]());
  cleanup.defer(() => spec.subject.close?.());
  cleanup.defer(() => spec.peer.close?.());
  const load = await spec.load(stand, options, lanes);
  options.say(
    `${load.commitsPerSecond.toFixed(1)} commits/s of ${load.rows} rows for ${load.seconds} s, ${options.pairs * 2} times`,
  );
  const runs = await comparePairs(options.pairs, ({ pair, side }) =>
    untilInterrupted(options.signal, () =>
      takeTurn(spec[side], stand, pair * 2 + (side === 'subject' ? 0 : 1), { load, pair, options }),
    ),
  );
  return {
    figures: figuresOf(runs, spec.goals),
    described: { subject: await spec.subject.describe(), peer: await spec.peer.describe() },
    details: { load, runs: { subject: runs.subject.map(told), peer: runs.peer.map(told) } },
  };
}

async function takeTurn(
  contestant: LatencyContestant,
  stand: Stand,
  lane: number,
  { load, pair, options }: { load: Load; pair: number; options: RunOptions },
): Promise<LatencyRun> {
  await emptyTables(stand);
  const following = await contestant.start(stand, lane);
  try {
    await untilFollowing(stand, following);
    // The pair's number seeds the schedule: both sides meet the same arrivals.
    const run = await runLoad(stand, following, load, pair, options.signal);
    options.say(`pair ${pair + 1} of ${options.pairs}, ${contestant.name}: ${inWords(run)}`);
    return run;
  } finally {
    await following.stop();
  }
}

const p = (run: LatencyRun, share: number): number => percentile(run.latencies_ms, share);

function figuresOf({ subject, peer }: Pairs<LatencyRun>, goals: LatencyComparison['goals']): Figure[] {
  const at = (share: number) => ({
    subject: subject.map((run) => p(run, share)),
    peer: peer.map((run) => p(run, share)),
  });
  return [
    pairedFigure('commit to visible, p50', 'ms', at(0.5), goals.p50),
    pairedFigure('commit to visible, p99', 'ms', at(0.99), goals.p99),
  ];
}

function told(run: LatencyRun) {
  const { commits, late, worstLate_ms } = run;
  return {
    ...{ commits, late, worstLate_ms },
    isLoadHeld: late <= commits * late_share_max,
    latency_ms: { min: p(run, 0), p50: p(run, 0.5), p90: p(run, 0.9), p99: p(run, 0.99), max: p(run, 1) },
  };
}

function inWords(run: LatencyRun): string {
  const { latency_ms, late, commits, worstLate_ms, isLoadHeld } = told(run);
  const figures = Object.entries(latency_ms).map(([name, ms]) => `${name} ${ms.toFixed(2)}`);
  const behind = `${late} of ${commits} commits late, by up to ${worstLate_ms.toFixed(0)} ms`;
  return `${figures.join(', ')} ms; ${behind}${isLoadHeld ? '' : ' (the load was not held)'}`;
}
