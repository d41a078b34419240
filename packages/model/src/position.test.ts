import { describe, expect, it } from 'vitest';
import { lsn } from './lsn.js';
import { comparePositions, covers, formatPosition, parsePosition } from './position.js';

describe('Position', () => {
  it('orders by history before end: new commits after a fork may have lower LSNs', () => {
    expect(comparePositions({ history: 1, end: lsn(5n) }, { history: 0, end: lsn(9n) })).toBeGreaterThan(0);
    expect(
      comparePositions({ history: 1, end: lsn(2n ** 63n) }, { history: 1, end: lsn(2n ** 63n + 1n) }),
    ).toBeLessThan(0);
  });

  it('covers a commit only when its final LSN is below the end, since an end equals the next commit’s first LSN (R1)', () => {
    const position = { history: 0, end: lsn(100n) };
    expect(covers(position, lsn(99n))).toBe(true);
    expect(covers(position, lsn(100n))).toBe(false);
  });

  it('survives its text form', () => {
    const position = { history: 3, end: lsn(2n ** 63n + 7n) };
    expect(parsePosition(formatPosition(position))).toEqual(position);
  });

  it.each(['', '1', ':0/1', '-1:0/1', '1.5:0/1', '4294967296:0/0', '0:zz'])('refuses %j', (text) => {
    expect(() => parsePosition(text)).toThrow(/MR-1001/);
  });
});
