import { expect, it } from 'vitest';
import { isSustained, sustained } from './calibrate.js';

const first = { rate_per_s: 25, achieved_per_s: 25, latency_ms: 30, staleness_s: 1.8 };

it('finds the rate that was carried without anything falling behind', () => {
  const steps = [
    first,
    { rate_per_s: 35, achieved_per_s: 34, latency_ms: 200, staleness_s: 2.5 },
    { rate_per_s: 49, achieved_per_s: 48, latency_ms: 60, staleness_s: 4 },
  ].map((step) => ({ ...step, sustained: isSustained(step, first) }));
  expect(steps.map((step) => step.sustained)).toEqual([true, true, false]);
  expect(sustained(steps)).toBe(34);
});

it.each([
  ['the leader does not commit so many', { achieved_per_s: 20 }],
  ['the follower shows nothing', { latency_ms: null }],
  ['the follower is late', { latency_ms: 900 }],
  ['nobody knows how far behind the lake is', { staleness_s: null }],
])('is too much when %s', (_, change) => {
  expect(isSustained({ ...first, ...change }, first)).toBe(false);
});
