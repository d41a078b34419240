import { type Comparison, shortened } from './comparison/comparison.js';
import { cpuPerMillion, type DrainFigure, drainRate, peakMemory } from './comparison/drain-figures.js';
import { drainComparison } from './comparison/drains.js';
import { ratioAtLeast, ratioAtMost } from './comparison/figure.js';
import type { Contestant } from './contestants/contestant.js';
import { debeziumAsItComes, debeziumTuned } from './contestants/debezium/contestant.js';
import { debeziumJdbc } from './contestants/debezium/follower.js';
import { connectProgram, jdbcLock, sourceLock } from './contestants/debezium/program.js';
import { millraceIntoKafka } from './contestants/kafka/millrace.js';
import { throughKafka } from './latency-comparisons.js';
import type { Workload } from './workloads/workload.js';
import { workloads } from './workloads/workloads.js';

const { W1, W2, W8 } = workloads;

/** T3: published durably to Kafka, one broker, acks=all. */
function intoKafka(workload: Workload, peer: Contestant, figures: readonly DrainFigure[]): Comparison {
  const comparison = drainComparison({
    tier: 'T3',
    workload,
    subject: millraceIntoKafka,
    peer,
    figures,
    brokers: 1,
  });
  return needing(sourceLock, comparison);
}

/** Says at once what is missing on a machine without a Java, or without the jars of `lock`. */
function needing(lock: URL, comparison: Comparison): Comparison {
  return {
    ...comparison,
    async measure(options) {
      await connectProgram(lock);
      return comparison.measure(options);
    },
  };
}

const againstTuned = [drainRate(ratioAtLeast(4)), peakMemory(ratioAtMost(0.15)), cpuPerMillion()];

/** Into Kafka, beside Debezium. */
export const kafkaComparisons: readonly Comparison[] = shortened(
  0.4,
  intoKafka(W1, debeziumTuned, againstTuned),
  intoKafka(W2, debeziumTuned, againstTuned),
  intoKafka(W8, debeziumTuned, againstTuned),
  intoKafka(W2, debeziumAsItComes, [drainRate(), peakMemory(), cpuPerMillion()]),
  needing(jdbcLock, throughKafka(debeziumJdbc)),
);
