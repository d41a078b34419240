import { MemoryLogServer } from '@millrace/log';
import { systemClock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { type EdgeView, Judge } from '../verdict/verdict.js';
import { sampleOf } from '../verdict/verdict.sample.js';
import { AlertBook, tableAlertStore } from './alert-book.js';
import type { Reading } from './breach.js';
import type { Condition } from './conditions.js';

const key = 'lake/stopped';
const at = (second: number) => ({ monotonic_ms: second * 1_000, wall_ms: 1e12 + second * 1_000 });
const lake = new Judge([], ['lake']).verdict(
  sampleOf({ second: 0, leader_mib: 1, head_mib: 1, followers: { lake: 1 } }),
).followers[0] as EdgeView;

/** `runs` and `starts`, or the code on which it has stopped. */
function conditionOf(told: string): Condition {
  const readings: Record<string, Reading> = { runs: 'under', starts: 'between' };
  const rule = { for_ms: 0, clearFor_ms: 0 };
  return {
    kind: 'stopped',
    key,
    severity: 'page',
    reading: readings[told] ?? 'over',
    about: told in readings ? undefined : told,
    rule,
    edge: lake,
  };
}

/** What is said, with the second in which it was over first. */
function said(book: AlertBook, told: readonly string[], from = 0): string[] {
  return told.flatMap((one, i) =>
    book
      .evaluate([conditionOf(one)], at(from + i))
      .map(({ say, since }) => `${say} ${(since.wall_ms - 1e12) / 1_000}`),
  );
}

it('pages anew when a stopped service stops for another reason, and resolves once', () => {
  const book = new AlertBook();
  expect(said(book, ['MR-4004', 'MR-4004', 'starts', 'MR-3004'])).toEqual(['fired 0', 'fired 3']);
  expect(book.stored(key)).toEqual({
    since_wall_ms: at(3).wall_ms,
    samples: 1,
    about: ['MR-4004', 'MR-3004'],
  });
  expect(said(book, ['MR-3004', 'runs', 'runs'], 4)).toEqual(['resolved 3']);
  expect(book.stored(key)).toBeUndefined();
  expect(said(book, ['MR-4004'], 7)).toEqual(['fired 7']);
});

it('pages each reason once while processes that have stopped for different ones write by turns', () => {
  const turns = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 'MR-4004' : 'MR-3004'));
  expect(said(new AlertBook(), turns)).toEqual(['fired 0', 'fired 1']);
});

it('pages after a restart only for a stop that it has not paged before', async () => {
  const store = tableAlertStore(new MemoryLogServer({ clock: systemClock }).open().table('alerts'));
  const first = new AlertBook();
  said(first, ['MR-4004', 'MR-3004']);
  await store.save(key, first.stored(key));
  const second = new AlertBook();
  second.restore(await store.load(), at(10));
  expect(said(second, ['MR-3004', 'MR-4004', 'starts', 'MR-4007'], 10)).toEqual(['fired 13']);
});

it('takes over in silence what an earlier version kept without its reason', async () => {
  const table = new MemoryLogServer({ clock: systemClock }).open().table('alerts');
  await table.put(key, Buffer.from(JSON.stringify({ since_wall_ms: at(0).wall_ms, samples: 3 })));
  const book = new AlertBook();
  book.restore(await tableAlertStore(table).load(), at(10));
  expect(said(book, ['MR-4004', 'MR-4004', 'MR-3004', 'runs'], 10)).toEqual(['fired 12', 'resolved 12']);
});
