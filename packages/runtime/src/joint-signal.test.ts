import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { JointSignal } from './joint-signal.js';

it('aborts with the first of its sources, and with its reason', () => {
  const [one, two] = [new AbortController(), new AbortController()];
  using joint = new JointSignal(one.signal, undefined, two.signal);
  expect(joint.signal.aborted).toBe(false);
  two.abort('enough');
  one.abort('late');
  expect(joint.signal.reason).toBe('enough');
});

it('is aborted at once under a signal that is', () => {
  const one = new AbortController();
  using joint = new JointSignal(one.signal, AbortSignal.abort('over'));
  expect(joint.signal.reason).toBe('over');
});

/** What Node keeps on a signal for those that were composed of it. */
function remembered(signal: AbortSignal): number {
  const sets = Object.getOwnPropertySymbols(signal)
    .map((symbol) => (signal as unknown as Record<symbol, unknown>)[symbol])
    .filter((value) => value instanceof Set);
  return sets.reduce((sum, set) => sum + set.size, 0) + getEventListeners(signal, 'abort').length;
}

it('leaves nothing on a source that lives on', () => {
  const service = new AbortController();
  const before = remembered(service.signal);
  for (let pause = 0; pause < 100; pause++) {
    using joint = new JointSignal(service.signal, new AbortController().signal);
    expect(joint.signal.aborted).toBe(false);
  }
  expect(remembered(service.signal)).toBe(before);
});
