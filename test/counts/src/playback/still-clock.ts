import { type Clock, type Surroundings, silentLogger } from '@millrace/runtime';

/** 2026-01-01, milliseconds. */
const now_ms = 1_767_225_600_000;

/** Nothing becomes due by itself: what happens depends on the stream alone. */
export const stillClock: Clock = {
  now: () => now_ms,
  monotonic: () => now_ms,
  sleep: (_ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) resolve();
      else signal?.addEventListener('abort', () => resolve(), { once: true });
    }),
};

export const stillSurroundings: Surroundings = {
  clock: stillClock,
  logger: silentLogger,
  random: () => 0.5,
};
