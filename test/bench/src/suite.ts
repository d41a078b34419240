import { captureComparisons } from './capture-comparisons.js';
import type { Comparison } from './comparison/comparison.js';
import { followerComparisons } from './follower-comparisons.js';
import { footprintComparisons } from './footprint-comparisons.js';
import { kafkaComparisons } from './kafka-comparisons.js';
import { latencyComparisons } from './latency-comparisons.js';

/** Every published comparison, in the order in which they run and stand in the tables. */
export const suite: readonly Comparison[] = [
  ...captureComparisons,
  ...kafkaComparisons,
  ...followerComparisons,
  ...latencyComparisons,
  ...footprintComparisons,
];
