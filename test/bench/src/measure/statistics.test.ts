import { expect, it } from 'vitest';
import { median, summarise } from './statistics.js';

it('takes the middle of an odd number, the mean of the two in the middle of an even one', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 6])).toBe(5.5);
  expect(median([10, 9, 100])).toBe(10);
  expect(median([])).toBeNaN();
});

it('summarises nothing as nothing', () => {
  expect(summarise([])).toBeUndefined();
  expect(summarise([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
});
