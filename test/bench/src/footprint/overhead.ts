import type { Comparison, Measured, RunOptions } from '../comparison/comparison.js';
import { type Figure, pairedFigure, ratioAtLeast } from '../comparison/figure.js';
import type { Stand } from '../contestants/contestant.js';
import { comparePairs, type Side } from '../measure/pairs.js';
import { Cleanup } from '../stand/cleanup.js';
import { checkpoint } from '../stand/leader.js';
import { openStand } from '../stand/stand.js';
import { workloads } from '../workloads/workloads.js';
import type { Attachment } from './attachments.js';
import { type PgbenchResult, pgbench } from './pgbench.js';

const clients = 8;
const window_s = 20;
const window_s_min = 3;
const kept_ratio_min = 0.95;
/** Of the leader's own saturated rate: what is asked of it when the machine is to have room. */
const half = 0.5;

/** TPC-B throughput of a leader whose slot somebody reads, beside the same leader left alone. */
export function overheadComparison(attachment: Attachment): Comparison {
  return {
    tier: 'footprint',
    workload: 'W1',
    title: `pgbench TPC-B, ${clients} clients, somebody attached or not, all on one machine`,
    subject: `leader with ${attachment.name}`,
    peer: 'leader alone',
    measure: (options) => measure(attachment, options),
  };
}

/** One turn: as fast as it goes, then at the fixed rate. */
interface Turn {
  readonly saturated: PgbenchResult;
  readonly fixed: PgbenchResult;
}

async function measure(attachment: Attachment, options: RunOptions): Promise<Measured> {
  await using cleanup = new Cleanup();
  options.say('starting servers');
  const stand = await openStand({ workload: workloads.W1, lanes: options.pairs });
  cleanup.defer(() => stand[Symbol.asyncDispose]());
  const seconds = Math.max(window_s_min, window_s * options.scale);
  const bench = { clients, seconds, signal: options.signal };
  const alone = await pgbench(stand, bench);
  const rate = Math.round(alone.tps * half);
  options.say(`the leader alone does ${alone.tps.toFixed(0)} transactions/s; the fixed rate is ${rate}`);
  const turns = await comparePairs(options.pairs, async ({ pair, side }): Promise<Turn> => {
    await using attached = await attach(side, attachment, stand, pair);
    await checkpoint(stand.leader);
    const turn = { saturated: await pgbench(stand, bench), fixed: await pgbench(stand, { ...bench, rate }) };
    attached.assertAlive();
    options.say(
      `pair ${pair + 1} of ${options.pairs}, ${side === 'peer' ? 'alone' : `with ${attachment.name}`}: ${inWords(turn)}`,
    );
    return turn;
  });
  const figure = (name: string, unit: string, of: (turn: Turn) => number, isGoal = false): Figure =>
    pairedFigure(
      name,
      unit,
      { subject: turns.subject.map(of), peer: turns.peer.map(of) },
      isGoal && attachment.isOurs ? ratioAtLeast(kept_ratio_min) : undefined,
    );
  return {
    figures: [
      figure('throughput, saturated', 'transactions/s', ({ saturated }) => saturated.tps, true),
      figure('throughput at half rate', 'transactions/s', ({ fixed }) => fixed.tps, true),
      figure('mean latency at half rate', 'ms', ({ fixed }) => fixed.latency_ms),
    ],
    described: { subject: await attachment.describe(), peer: 'the same leader, no slot' },
    details: { rate, turns },
  };
}

async function attach(
  side: Side,
  attachment: Attachment,
  stand: Stand,
  lane: number,
): Promise<AsyncDisposable & { assertAlive(): void }> {
  if (side === 'peer') return { assertAlive: () => undefined, [Symbol.asyncDispose]: async () => undefined };
  return attachment.attach(stand, lane);
}

function inWords({ saturated, fixed }: Turn): string {
  const tps = `${saturated.tps.toFixed(0)} transactions/s`;
  return `${tps}; at the fixed rate ${fixed.tps.toFixed(0)}, ${fixed.latency_ms.toFixed(2)} ms`;
}
