import { type Comparison, shortened } from './comparison/comparison.js';
import { cpuPerMillion, type DrainFigure, drainRate, peakMemory } from './comparison/drain-figures.js';
import { drainComparison } from './comparison/drains.js';
import { atMost, ratioAtLeast } from './comparison/figure.js';
import type { Contestant } from './contestants/contestant.js';
import { embedded } from './contestants/embedded.js';
import { engineMemory_bytes, millraceDuckDb } from './contestants/followers/millrace-duckdb.js';
import { millracePostgres } from './contestants/followers/millrace-postgres.js';
import { nativeSubscription } from './contestants/followers/native-subscription.js';
import type { Workload } from './workloads/workload.js';
import { workloads } from './workloads/workloads.js';

const { W1, W2, W5, W6 } = workloads;
/** Of each of our processes, on a transaction however large; a store's own engine apart. */
const memory_bytes_max = 300_000_000;

/** T4: from the leader's commit to rows in a second PostgreSQL. */
function intoPostgres(workload: Workload, ...figures: readonly DrainFigure[]): Comparison {
  return drainComparison({
    tier: 'T4',
    workload,
    subject: millracePostgres,
    peer: nativeSubscription,
    figures: [...figures, cpuPerMillion()],
  });
}

/** Our own log, where a follower's rows come from: no follower can be faster. */
const logAlone: Contestant = { ...embedded, name: 'millrace, log alone' };

/** T4: into DuckDB, beside our own T2. */
function intoDuckDb(workload: Workload, ...figures: readonly DrainFigure[]): Comparison {
  return drainComparison({ tier: 'T4', workload, subject: millraceDuckDb, peer: logAlone, figures });
}

/** What each process may take; `engine_bytes` of the applier's belong to the store. */
const boundedMemory = (engine_bytes = 0): DrainFigure[] => [
  peakMemory(atMost(memory_bytes_max), 'capture'),
  peakMemory(atMost(memory_bytes_max + engine_bytes), 'applier'),
];

/** End to end, into a follower of each kind. */
export const followerComparisons: readonly Comparison[] = [
  intoPostgres(W2, drainRate(ratioAtLeast(1.2))),
  ...shortened(
    0.4,
    intoPostgres(W5, drainRate(ratioAtLeast(1.2)), ...boundedMemory()),
    intoPostgres(W1, drainRate(ratioAtLeast(4))),
    intoPostgres(W6, drainRate(ratioAtLeast(4))),
  ),
  intoDuckDb(W2, drainRate(ratioAtLeast(0.7)), cpuPerMillion()),
  ...shortened(0.3, intoDuckDb(W5, drainRate(ratioAtLeast(0.7)), ...boundedMemory(engineMemory_bytes))),
];
