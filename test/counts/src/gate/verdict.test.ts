import { describe, expect, it } from 'vitest';
import { complaint, exact, judge } from './verdict.js';

describe('a count', () => {
  it('is accepted within its tolerance, however small it is', () => {
    expect(judge(100, 102.9, exact).kind).toBe('accepted');
    expect(judge(100, 93, exact).kind).toBe('accepted');
    expect(judge(0, 1, exact).kind).toBe('accepted');
  });

  it('is refused when it grew, and names both figures and the way to accept them', () => {
    expect(complaint('decode narrow: heap_bytes_per_event', judge(50, 52, exact))).toBe(
      'decode narrow: heap_bytes_per_event grew from 50 to 52. Find what is made anew, or: To accept: pnpm --filter @millrace/counts accept',
    );
    expect(judge(0, 2, exact)).toEqual({ kind: 'grew', from: 0, to: 2 });
  });

  it('is refused when it fell far, so that the gain is kept', () => {
    expect(judge(100, 91, exact)).toEqual({ kind: 'fell', from: 100, to: 91 });
    expect(complaint('x', judge(100, 91, exact))).toContain('fell from 100 to 91');
  });

  it('is refused when nothing was accepted for it', () => {
    expect(complaint('x', judge(undefined, 1, exact))).toContain('no accepted count');
  });
});
