import type { PositionRow } from '@millrace/follower';
import { encodeAnchor } from '@millrace/log';
import { lsn } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { leastRow } from './completeness.js';

const row = (end: bigint, offset: bigint): PositionRow => {
  const position = { history: 0, end: lsn(end) };
  const nonce = new Uint8Array(16);
  return {
    position,
    anchor: encodeAnchor({ offset, epoch: 1, nonce, seq: offset, position }),
    logId: nonce,
    state: 'exact',
    notes: '',
    owner: nonce,
    generation: 1,
  };
};

describe('The row that a partitioned follower reports', () => {
  it('is the one with the least position', () => {
    const rows = [row(30n, 9n), row(10n, 4n), row(20n, 6n)];
    expect(leastRow(rows)).toBe(rows[1]);
  });

  it('is the one with the least anchor among those at one position, so that the log is not trimmed past it', () => {
    const rows = [row(10n, 7n), row(10n, 5n), row(10n, 6n)];
    expect(leastRow(rows)).toBe(rows[1]);
  });
});
