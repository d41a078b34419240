import { lsn } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { applierDecisions, type Reached } from './decisions.js';

const owner = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const reached = (end: bigint, registration = 1): Reached => ({
  registration,
  position: { history: 0, end: lsn(end) },
});
const row = (end: bigint, of: number, registration = 1) => ({
  ...reached(end, registration),
  owner: owner(of),
});

describe('Looking at the position row', () => {
  const look = { owner: owner(1), reached: reached(10n) };

  it('finds its own row where it left it', () => {
    expect(applierDecisions.judgeRow({ ...look, row: row(10n, 1) })).toBe('mine');
  });

  it('is fenced when a successor owns the row, at or beyond the position', () => {
    expect(applierDecisions.judgeRow({ ...look, row: row(10n, 2) })).toBe('fenced');
    expect(applierDecisions.judgeRow({ ...look, row: row(12n, 2) })).toBe('fenced');
  });

  it('notices a restored follower although the restore brought an older owner back', () => {
    expect(applierDecisions.judgeRow({ ...look, row: row(9n, 2) })).toBe('went-back');
    expect(applierDecisions.judgeRow({ ...look, row: row(9n, 1) })).toBe('went-back');
    expect(applierDecisions.judgeRow({ ...look, row: undefined })).toBe('went-back');
  });

  it('tells a resync from a restore by the registration', () => {
    expect(applierDecisions.judgeRow({ ...look, row: row(3n, 0, 2) })).toBe('anew');
    expect(applierDecisions.judgeRow({ ...look, reached: reached(3n, 2), row: row(10n, 1, 1) })).toBe(
      'went-back',
    );
  });

  it('compares positions by history first', () => {
    const later: Reached = { registration: 1, position: { history: 1, end: lsn(5n) } };
    expect(applierDecisions.wentBack(reached(10n), later)).toBe(true);
    expect(applierDecisions.wentBack(later, reached(10n))).toBe(false);
  });

  it('covers a commit only below the position’s end, never at it', () => {
    expect(applierDecisions.isCovered({ history: 0, end: lsn(10n) }, lsn(9n))).toBe(true);
    expect(applierDecisions.isCovered({ history: 0, end: lsn(10n) }, lsn(10n))).toBe(false);
  });
});
