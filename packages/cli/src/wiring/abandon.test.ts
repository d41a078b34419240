import { systemClock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { settledOrAbandoned } from './abandon.js';

const never = new Promise<void>(() => undefined);
/** Its sleeps are over at once, unless aborted before. */
const fast = { ...systemClock, sleep: async () => undefined };

it('waits for work as long as nobody asks to stop, whether it succeeds or fails', async () => {
  const { signal } = new AbortController();
  expect(await settledOrAbandoned(Promise.resolve(), systemClock, signal)).toBe(true);
  expect(await settledOrAbandoned(Promise.reject(new Error('x')), systemClock, signal)).toBe(true);
});

it('leaves work behind that hangs after the stop', async () => {
  const stop = new AbortController();
  const waiting = settledOrAbandoned(never, fast, stop.signal);
  stop.abort();
  expect(await waiting).toBe(false);
  expect(await settledOrAbandoned(never, fast, AbortSignal.abort())).toBe(false);
});
