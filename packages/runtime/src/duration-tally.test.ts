import { expect, it } from 'vitest';
import { DurationTally, durationBounds_s } from './duration-tally.js';

it('counts a duration in every bucket whose bound it does not exceed', () => {
  const tally = new DurationTally();
  for (const seconds of [0.005, 0.2, 1_000, -3]) tally.observe(seconds);
  const { buckets, count, sum_s } = tally.figures();
  const upTo = (bound: number): number | undefined => buckets[durationBounds_s.indexOf(bound)];
  expect([upTo(0.005), upTo(0.1), upTo(0.25), upTo(300), count]).toEqual([2, 2, 3, 3, 4]);
  expect(sum_s).toBeCloseTo(1_000.205);
});
