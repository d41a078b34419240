import { describe, expect, it } from 'vitest';
import { EndSignals } from './end-signals.js';

describe('the signal that ends a read', () => {
  it('is one and the same for every range that is read under a signal, so that nothing piles up', () => {
    const ends = new EndSignals(new AbortController().signal);
    const { signal } = new AbortController();
    expect(ends.either(signal)).toBe(ends.either(signal));
    expect(ends.either(new AbortController().signal)).not.toBe(ends.either(signal));
  });

  it('aborts with the caller’s signal, and with the end of the handle', () => {
    const [closing, caller, other] = [new AbortController(), new AbortController(), new AbortController()];
    const ends = new EndSignals(closing.signal);
    const [first, second] = [ends.either(caller.signal), ends.either(other.signal)];
    caller.abort();
    expect([first.aborted, second.aborted]).toEqual([true, false]);
    closing.abort(new Error('closed'));
    expect(second.reason).toMatchObject({ message: 'closed' });
    expect(ends.either(new AbortController().signal).aborted).toBe(true);
  });
});
