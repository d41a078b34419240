import { describe, expect, it } from 'vitest';
import { backoff_ms, defaultBackoff } from './backoff.js';

describe('backoff_ms', () => {
  it('grows up to its bound, with jitter below it, also after a thousand attempts', () => {
    expect(backoff_ms(defaultBackoff, 0, 0)).toBe(25);
    expect(backoff_ms(defaultBackoff, 3, 1)).toBe(400);
    expect(backoff_ms(defaultBackoff, 1000, 0.999)).toBeLessThanOrEqual(defaultBackoff.max_ms);
  });
});
