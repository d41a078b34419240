import type { Comparison } from '../../comparison/comparison.js';
import { cpuPerMillion, drainRate, peakMemory } from '../../comparison/drain-figures.js';
import { drainComparison } from '../../comparison/drains.js';
import { atMost, ratioAtLeast } from '../../comparison/figure.js';
import type { WorkloadName } from '../../workloads/workload.js';
import { workloads } from '../../workloads/workloads.js';
import { millracePostgres } from './millrace-postgres.js';
import { nativeSubscription } from './native-subscription.js';

/** performance.md's limit for each of our processes on one transaction of five million rows. */
const memory_bytes_max = 300_000_000;

const intoPostgres = (name: WorkloadName, ratio: number): Comparison =>
  drainComparison({
    tier: 'T4',
    workload: workloads[name],
    subject: millracePostgres,
    peer: nativeSubscription,
    figures: [
      drainRate(ratioAtLeast(ratio)),
      cpuPerMillion(),
      ...(name === 'W5'
        ? [peakMemory(atMost(memory_bytes_max), 'capture'), peakMemory(atMost(memory_bytes_max), 'applier')]
        : []),
    ],
  });

/** End to end into a follower of each kind. */
export const followerComparisons: readonly Comparison[] = [
  intoPostgres('W2', 1.2),
  intoPostgres('W5', 1.2),
  intoPostgres('W1', 4),
  intoPostgres('W6', 4),
];
