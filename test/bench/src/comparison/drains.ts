import type { Contestant, Drained, Lane, Stand } from '../contestants/contestant.js';
import { comparePairs, type Pairs, type Side, type Turn, turnsOf } from '../measure/pairs.js';
import { Cleanup } from '../stand/cleanup.js';
import { checkpoint, serverVersion } from '../stand/leader.js';
import { openStand } from '../stand/stand.js';
import type { Filled, Workload } from '../workloads/workload.js';
import type { Comparison, Measured, RunOptions, Tier } from './comparison.js';
import { type DrainFigure, inWords } from './drain-figures.js';
import { pairedFigure } from './figure.js';
import { Interrupted, untilInterrupted } from './interruption.js';

export interface DrainComparison {
  readonly tier: Tier;
  readonly workload: Workload;
  readonly subject: Contestant;
  readonly peer: Contestant;
  readonly figures: readonly DrainFigure[];
  /** How many brokers the stand has; none if absent. */
  readonly brokers?: 1 | 3;
}

/** Two contestants who drain the same backlog, pair by pair. */
export function drainComparison(spec: DrainComparison): Comparison {
  return {
    tier: spec.tier,
    workload: spec.workload.name,
    title: spec.workload.title,
    subject: spec.subject.name,
    peer: spec.peer.name,
    measure: (options) => measureDrains(spec, options),
  };
}

async function measureDrains(spec: DrainComparison, options: RunOptions): Promise<Measured> {
  const { workload, brokers } = spec;
  const lanes = options.pairs * 2;
  await using cleanup = new Cleanup();
  options.say('starting servers');
  const stand = await openStand({ workload, lanes, ...(brokers && { brokers }) });
  cleanup.defer(() => stand[Symbol.asyncDispose]());
  cleanup.defer(() => spec.subject.close?.());
  cleanup.defer(() => spec.peer.close?.());
  const prepared = await prepareLanes(spec, stand, options, cleanup);
  options.say(`filling: ${workload.title}`);
  const backlog = await untilInterrupted(options.signal, () => workload.fill(stand.leader, options.scale));
  await checkpoint(stand.leader);
  options.say(`${backlog.events} events in ${backlog.transactions} transactions up to ${backlog.end}`);
  const drains = await comparePairs(options.pairs, (turn) =>
    takeTurn(spec, prepared, backlog, turn, options),
  );
  return {
    figures: spec.figures.map((figure) => figureOf(figure, drains)),
    described: { subject: await spec.subject.describe(), peer: await spec.peer.describe() },
    versions: { PostgreSQL: await serverVersion(stand.leader) },
    details: { backlog, drains },
  };
}

function figureOf(figure: DrainFigure, drains: Pairs<Drained>) {
  const samples = {
    subject: drains.subject.map((drained) => figure.of(drained)),
    peer: drains.peer.map((drained) => figure.of(drained)),
  };
  return pairedFigure(figure.name, figure.unit, samples, figure.goal);
}

/** A lane that is removed once, when its drain is over, or at the end if it never came to that. */
type PreparedLanes = ReadonlyMap<string, Lane>;

const keyOf = ({ pair, side }: Turn): string => `${pair} ${side}`;

/** Every lane stands before the backlog is written, so that all of them hold the same WAL. */
async function prepareLanes(
  spec: Record<Side, Contestant>,
  stand: Stand,
  { pairs, signal, say }: RunOptions,
  cleanup: Cleanup,
): Promise<PreparedLanes> {
  const lanes = new Map<string, Lane>();
  for (const [index, turn] of turnsOf(pairs).entries()) {
    if (signal.aborted) throw new Interrupted();
    say(`preparing lane ${index + 1} of ${pairs * 2}: ${spec[turn.side].name}`);
    // Seen to its end even when interrupted: half a lane could not be removed.
    const once = removedOnce(await spec[turn.side].prepare(stand, index));
    cleanup.defer(() => once.remove());
    lanes.set(keyOf(turn), once);
  }
  return lanes;
}

function removedOnce(lane: Lane): Lane {
  let removed: Promise<void> | undefined;
  return {
    drain: (backlog) => lane.drain(backlog),
    remove: () => {
      removed ??= lane.remove();
      return removed;
    },
  };
}

/** Drains one lane and removes it: a lane left behind holds WAL and disk. */
async function takeTurn(
  spec: Record<Side, Contestant>,
  lanes: PreparedLanes,
  backlog: Filled,
  turn: Turn,
  { signal, say, pairs }: RunOptions,
): Promise<Drained> {
  const lane = lanes.get(keyOf(turn));
  if (!lane) throw new Error(`no lane for ${keyOf(turn)}`);
  try {
    const drained = await untilInterrupted(signal, () => lane.drain(backlog));
    if (drained.events !== backlog.events) {
      throw new Error(
        `${spec[turn.side].name} drained ${drained.events} events of a backlog of ${backlog.events}`,
      );
    }
    say(`pair ${turn.pair + 1} of ${pairs}, ${spec[turn.side].name}: ${inWords(drained)}`);
    return drained;
  } finally {
    await lane.remove();
  }
}
