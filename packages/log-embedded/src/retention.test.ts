import { describe, expect, it } from 'vitest';
import { holdsOf, isBeyond } from './retention.js';

const follower = (name: string, offset: bigint) => ({ follower: name, offset });

describe('what retention may remove', () => {
  it('is nothing as long as no anchor says where a reader could start (R4)', () => {
    expect(holdsOf(undefined, [], 'drop')).toEqual({ before: undefined });
    expect(holdsOf(undefined, [follower('a', 9n)], 'hold')).toEqual({ before: undefined });
  });

  it('is under hold nothing that a registered follower has not applied, and names who holds', () => {
    expect(holdsOf(10n, [follower('a', 12n), follower('b', 4n), follower('c', 7n)], 'hold')).toEqual({
      before: 4n,
      heldBy: 'b',
    });
    expect(holdsOf(10n, [follower('a', 12n)], 'hold')).toEqual({ before: 10n });
    expect(holdsOf(10n, [follower('new', -1n)], 'hold')).toEqual({ before: 0n, heldBy: 'new' });
  });

  it('is under drop everything below the anchor', () => {
    expect(holdsOf(10n, [follower('b', 4n)], 'drop')).toEqual({ before: 10n });
  });

  it('is beyond its bytes or its age, whichever comes first', () => {
    const record = { created_ms: 1_000, event_bytes: 10, record_bytes: 5 };
    const keep = { followers: 'hold' } as const;
    expect(isBeyond(record, 1e12, 1e12, keep)).toBe(false);
    expect(isBeyond(record, 101, 0, { ...keep, bytes: 100 })).toBe(true);
    expect(isBeyond(record, 100, 0, { ...keep, bytes: 100 })).toBe(false);
    expect(isBeyond(record, 0, 1_500, { ...keep, age_ms: 500 })).toBe(false);
    expect(isBeyond(record, 0, 1_501, { ...keep, age_ms: 500 })).toBe(true);
  });
});
