import { lsn, type Position } from '@millrace/model';
import { expect, it } from 'vitest';
import { blamesCapture, bytesBehind, endAfterForks, lagOfFollower } from './lag.js';
import { RateWindow } from './rate-window.js';

const at = (end: bigint, history = 0): Position => ({ history, end: lsn(end) });

it('subtracts positions beyond 2^53 and 2^63 exactly before anything becomes a number', () => {
  for (const base of [2n ** 53n + 1n, 2n ** 63n + 1n, 2n ** 64n - 100n])
    expect(bytesBehind(lsn(base + 7n), at(base), [])).toBe(7);
});

it('shows no lag, not a negative one, for a follower sampled just after the leader', () => {
  expect(bytesBehind(lsn(100n), at(140n), [])).toBe(0);
});

it('is unknown while either position is', () => {
  expect(bytesBehind(undefined, at(1n), [])).toBeUndefined();
  expect(bytesBehind(lsn(1n), undefined, [])).toBeUndefined();
});

it('counts a position of an earlier history only up to the fork after it', () => {
  const forks = [{ history: 1, forkAt: lsn(80n) }];
  expect(endAfterForks(at(100n, 0), forks)).toBe(80n);
  expect(endAfterForks(at(100n, 1), forks)).toBe(100n);
  expect(bytesBehind(lsn(120n), at(100n, 0), forks)).toBe(40);
});

it('charges capture with lag that stands before the log, and a follower with its own', () => {
  const inputs = { leader: lsn(1_000n), head: at(300n), forks: [] };
  const near = lagOfFollower(inputs, at(290n));
  const far = lagOfFollower({ ...inputs, head: at(990n) }, at(290n));
  expect(near).toEqual({ total_bytes: 710, own_bytes: 10 });
  expect(blamesCapture(near, 700)).toBe(true);
  expect(blamesCapture(far, 10)).toBe(false);
});

it('measures rates from exact differences and forgets what is older than its window', () => {
  const rate = new RateWindow(10_000);
  const base = 2n ** 63n;
  expect(rate.perSecond()).toBeUndefined();
  for (let second = 0; second <= 5; second++) rate.add(second * 1_000, base + BigInt(second) * 100n);
  expect(rate.perSecond()).toBe(100);
  for (let second = 6; second <= 40; second++) rate.add(second * 1_000, base + 500n);
  expect(rate.perSecond()).toBe(0);
});
