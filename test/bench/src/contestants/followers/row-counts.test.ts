import { expect, it } from 'vitest';
import { assertSameRows } from './row-counts.js';

const leader = new Map([
  ['public.narrow', 1_000],
  ['public.bench_end', 1],
]);

it('a follower with the same rows passes', () => {
  expect(() => assertSameRows(leader, new Map(leader))).not.toThrow();
});

it('one that lacks rows, or a table, is named with both', () => {
  expect(() => assertSameRows(leader, new Map([['public.narrow', 999]]))).toThrow(
    'public.narrow: 999 of 1000; public.bench_end: undefined of 1',
  );
});
