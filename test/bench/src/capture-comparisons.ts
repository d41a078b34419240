import { type Comparison, shortened } from './comparison/comparison.js';
import { cpuPerMillion, type DrainFigure, drainRate, peakMemory } from './comparison/drain-figures.js';
import { drainComparison } from './comparison/drains.js';
import { atMost, ratioAtLeast } from './comparison/figure.js';
import { discard } from './contestants/discard/discard.js';
import { embedded } from './contestants/embedded.js';
import { recvlogical } from './contestants/recvlogical.js';
import type { Workload } from './workloads/workload.js';
import { workloads } from './workloads/workloads.js';

const { W1, W2, W3, W5, W6, W8 } = workloads;
/** Of each of our processes, on a transaction however large. */
const memory_bytes_max = 300_000_000;
const boundedMemory = peakMemory(atMost(memory_bytes_max));

/** T1: receive, decode, encode, discard. */
function decoding(workload: Workload, ...figures: readonly DrainFigure[]): Comparison {
  return drainComparison({ tier: 'T1', workload, subject: discard, peer: recvlogical, figures });
}

/** T2: durable in the embedded log. */
function logging(workload: Workload, ...figures: readonly DrainFigure[]): Comparison {
  return drainComparison({ tier: 'T2', workload, subject: embedded, peer: recvlogical, figures });
}

/** Capture alone against the walsender's own speed. */
export const captureComparisons: readonly Comparison[] = [
  decoding(W2, drainRate(ratioAtLeast(0.95)), cpuPerMillion(atMost(0.8)), peakMemory()),
  decoding(W3, drainRate(ratioAtLeast(0.95)), cpuPerMillion(), peakMemory()),
  ...shortened(
    0.3,
    decoding(W5, drainRate(), cpuPerMillion(), boundedMemory),
    decoding(W1, drainRate(), cpuPerMillion()),
    decoding(workloads['W2-1'], drainRate(), cpuPerMillion()),
    decoding(workloads['W2-10'], drainRate(), cpuPerMillion()),
    decoding(W6, drainRate(), cpuPerMillion()),
    decoding(W8, drainRate(), cpuPerMillion()),
  ),
  logging(W2, drainRate(ratioAtLeast(0.8)), cpuPerMillion(), peakMemory()),
  ...shortened(
    0.3,
    logging(W5, drainRate(), cpuPerMillion(), boundedMemory),
    logging(W3, drainRate(), cpuPerMillion(), peakMemory()),
    logging(W1, drainRate(), cpuPerMillion()),
    logging(W6, drainRate(), cpuPerMillion()),
    logging(W8, drainRate(), cpuPerMillion()),
  ),
];
