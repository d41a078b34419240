import { describe, expect, it } from 'vitest';
import { judgeLock } from './lock-wait.js';
import { identify, matchIdentity, type ProcessIdentity } from './process-identity.js';
import { type Holder, holdersOf, stillHolding, type WriterSlot } from './writers.js';

const identity: ProcessIdentity = { pid: 42, startedAt: '1000', boot: 'boot-a' };
const slot = (changes: Partial<WriterSlot> = {}): WriterSlot => ({
  identity,
  busy: true,
  turn: 1,
  ...changes,
});
const exact: Holder = { ...slot(), match: 'exact' };
const unsure: Holder = { ...slot(), match: 'unsure' };

describe('who may hold the lock', () => {
  it('is only the very process that registered: same pid, start and boot', () => {
    expect(matchIdentity(identity, { ...identity })).toBe('exact');
    expect(matchIdentity(identity, { ...identity, startedAt: '1001' })).toBe('gone');
    expect(matchIdentity(identity, { ...identity, boot: 'boot-b' })).toBe('gone');
    expect(matchIdentity(identity, undefined)).toBe('gone');
    expect(matchIdentity(identity, { ...identity, startedAt: '' })).toBe('unsure');
    expect(matchIdentity({ ...identity, boot: '' }, identity)).toBe('unsure');
  });

  it('knows this very process by all three', () => {
    const self = identify(process.pid);
    expect(self).toMatchObject({ pid: process.pid });
    expect(matchIdentity(self!, identify(process.pid))).not.toBe('gone');
    expect(identify(2 ** 22 + 1)).toBeUndefined();
  });

  it('is nobody who is idle or gone', () => {
    const present = (): ProcessIdentity => ({ ...identity, startedAt: '7' });
    expect(holdersOf([slot({ busy: false })], () => identity)).toEqual([]);
    expect(holdersOf([slot()], present)).toEqual([]);
    expect(holdersOf([slot()], () => identity)).toEqual([exact]);
  });

  it('is not the one who left and entered again: nobody waits behind a busy writer for ever', () => {
    expect(stillHolding([exact], [exact])).toEqual([exact]);
    expect(stillHolding([exact], [{ ...exact, turn: 2 }])).toEqual([]);
    expect(stillHolding([exact], [])).toEqual([]);
  });
});

describe('what a waiting writer does', () => {
  it('goes on as soon as nobody holds', () => {
    expect(judgeLock([], 0, true, 10)).toBe('go');
    expect(judgeLock([], 1e9, false, 10)).toBe('go');
  });

  it('ends holders only as a takeover, after its time, and only on an exact match', () => {
    expect(judgeLock([exact], 9, true, 10)).toBe('wait');
    expect(judgeLock([exact], 10, true, 10)).toBe('end-holders');
    expect(judgeLock([exact, unsure], 1e9, true, 10)).toBe('wait');
    expect(judgeLock([exact], 14_999, false, 10)).toBe('wait');
    expect(judgeLock([exact], 15_000, false, 10)).toBe('give-up');
  });
});
