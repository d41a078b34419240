import { MemoryLogServer } from '@millrace/log';
import { systemClock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import type { PageFields } from '../pages/page.js';
import { type Owed, tableOutbox } from './outbox.js';
import { inOrder } from './owed-order.js';

const second = (at: number): string => new Date(Date.UTC(2026, 0, 5) + at * 1_000).toISOString();

/** `since` and `sampled`: seconds on a wall clock. */
function owed(alert: string, since: number, type: 'page' | 'resolve', sampled: number): Owed {
  const fields = { type, dedup_key: alert, since: second(since), sampled_at: second(sampled) } as PageFields;
  return { channel: 'webhook', notification: { id: `${alert}/${since}/${type}`, fields } };
}

const ids = (all: readonly Owed[]): string[] => all.map(({ notification }) => notification.id);

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((one, i) => permutations(all.toSpliced(i, 1)).map((rest) => [one, ...rest]));
}

it('puts a page before its resolve although the clock was set back in between', async () => {
  const page = owed('a', 100, 'page', 100);
  const resolve = owed('a', 100, 'resolve', 40);
  expect(ids(inOrder([resolve, page]))).toEqual(['a/100/page', 'a/100/resolve']);
  const outbox = tableOutbox(new MemoryLogServer({ clock: systemClock }).open().table('outbox'));
  for (const one of [resolve, page]) await outbox.put(one);
  expect(ids(await outbox.owed())).toEqual(['a/100/page', 'a/100/resolve']);
});

it('puts the older breach of an alert first, and the alert first of which something is owed for longest', () => {
  const all = [
    owed('a', 50, 'page', 60),
    owed('a', 20, 'resolve', 45),
    owed('a', 20, 'page', 30),
    owed('b', 10, 'page', 20),
  ];
  expect(ids(inOrder(all))).toEqual(['b/10/page', 'a/20/page', 'a/20/resolve', 'a/50/page']);
});

it('is one order, however the log gives it back and the clock was set', () => {
  // By time alone, and by time beside since, these would go round in a circle.
  const all = [
    owed('a', 10, 'page', 100),
    owed('a', 20, 'page', 50),
    owed('a', 20, 'resolve', 20),
    owed('b', 60, 'page', 70),
    owed('b', 60, 'resolve', 10),
  ];
  const orders = permutations(all).map((some) => ids(inOrder(some)).join(' '));
  expect(new Set(orders)).toEqual(new Set(['b/60/page b/60/resolve a/10/page a/20/page a/20/resolve']));
});
