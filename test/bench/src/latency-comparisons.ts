import { type Comparison, shortened } from './comparison/comparison.js';
import { atMost, ratioAtMost } from './comparison/figure.js';
import { millracePostgres } from './contestants/followers/millrace-postgres.js';
import { latencyComparison } from './latency/comparison.js';
import type { LatencyContestant } from './latency/contestant.js';
import { millraceEmbedded, millraceKafka, nativeFollowing } from './latency/following.js';
import { halfOfDrain, halfOfSlower, lightLoad } from './latency/loads.js';

/** Fewer than W2's, so that also the slower one makes enough commits for a 99th percentile. */
const rowsThroughKafka = 100;

/** At half load through Kafka, beside `peer`, into PostgreSQL. */
export function throughKafka(peer: LatencyContestant): Comparison {
  return latencyComparison({
    workload: 'half',
    title:
      'Commits of 100 narrow rows at half of the rate that the slower one takes, through one Kafka broker, Poisson arrivals',
    subject: millraceKafka,
    peer,
    brokers: 1,
    goals: { p99: ratioAtMost(0.2) },
    load: halfOfSlower([millraceKafka, peer], rowsThroughKafka),
  });
}

/** From the leader's acknowledgement of a commit to its row in the follower. */
export const latencyComparisons: readonly Comparison[] = shortened(
  0.5,
  latencyComparison({
    workload: 'light',
    title: '50 one-row commits a second, Poisson arrivals',
    subject: millraceEmbedded,
    peer: nativeFollowing,
    goals: { p50: atMost(2), p99: atMost(10) },
    load: lightLoad,
  }),
  latencyComparison({
    workload: 'half',
    title: 'W2 at half of our drain rate, Poisson arrivals',
    subject: millraceEmbedded,
    peer: nativeFollowing,
    goals: { p99: atMost(50) },
    load: halfOfDrain(millracePostgres),
  }),
);
