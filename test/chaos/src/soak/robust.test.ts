import { expect, it } from 'vitest';
import { outerThirds, quantile, theilSen, thinned } from './robust.js';

it('finds quantiles by rank', () => {
  expect(quantile([5, 1, 3, 2, 4], 0.5)).toBe(3);
  expect(quantile([5, 1, 3, 2, 4], 0.99)).toBe(5);
  expect(quantile([], 0.5)).toBeUndefined();
});

it('sees a slope through outliers, and none where only outliers are', () => {
  const line = Array.from({ length: 40 }, (_, x) => ({ x, y: x % 9 === 4 ? 500 : 3 * x + 7 }));
  expect(theilSen(line)).toBeCloseTo(3, 1);
  const flat = Array.from({ length: 40 }, (_, x) => ({ x, y: x % 9 === 4 ? 500 : 7 + (x % 2) }));
  expect(Math.abs(theilSen(flat) as number)).toBeLessThan(0.05);
});

it('thins points to the medians of equal stretches', () => {
  const points = [1, 2, 3, 11, 12].map((x) => ({ x, y: x * 2 }));
  expect(thinned(points, 10)).toEqual([
    { x: 5, y: 4 },
    { x: 15, y: 22 },
  ]);
});

it('takes the outer thirds', () => {
  expect(outerThirds([1, 2, 3, 4, 5, 6, 7])).toEqual({ first: [1, 2], last: [6, 7] });
});
