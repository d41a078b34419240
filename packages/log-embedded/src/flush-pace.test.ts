import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { FlushPace, rest_ms } from './flush-pace.js';

const batch_bytes = 200 * 1024;

/** A clock that other work moves on: `turn_ms` for each turn of the event loop while `turns` last. */
function workingClock(
  turns: number,
  turn_ms: number,
): Clock & { readonly worked: () => number; set(ms: number): void } {
  let now_ms = 0;
  let left = turns;
  let worked = 0;
  const work = async (): Promise<void> => {
    while (left > 0) {
      await turn();
      left--;
      worked++;
      now_ms += turn_ms;
    }
  };
  let started = false;
  return {
    now: () => now_ms,
    monotonic: () => {
      if (!started && turns > 0) {
        started = true;
        void work();
      }
      return now_ms;
    },
    sleep: async () => {},
    worked: () => worked,
    set: (ms) => {
      now_ms = ms;
    },
  };
}

/** A pace after a flush that took `flush_ms`. */
async function after(clock: ReturnType<typeof workingClock>, flush_ms: number): Promise<FlushPace> {
  const pace = new FlushPace(clock);
  const began_ms = clock.monotonic();
  await pace.timed(async () => clock.set(began_ms + flush_ms));
  return pace;
}

it('small commits and very large ones never wait, the others in proportion to the last flush, within a limit', () => {
  expect(rest_ms(1_000, 5)).toBe(0);
  expect(rest_ms(4 * 1024 * 1024, 5)).toBe(0);
  expect(rest_ms(batch_bytes, 0.5)).toBe(2);
  expect(rest_ms(batch_bytes, 3)).toBe(12);
  expect(rest_ms(batch_bytes, 500)).toBe(20);
});

it('a batch lets other work go on for four times the last flush', async () => {
  const clock = workingClock(100, 1);
  const pace = await after(clock, 3);
  await pace.rest(batch_bytes);
  expect(clock.worked()).toBeGreaterThanOrEqual(12);
  expect(clock.worked()).toBeLessThan(16);
});

it('a batch does not wait when there is nothing else to do', async () => {
  const clock = workingClock(0, 0);
  const pace = await after(clock, 3);
  await pace.rest(batch_bytes);
  expect(clock.monotonic()).toBe(3);
});

it('a batch does not wait when the last flush was long ago', async () => {
  const clock = workingClock(0, 0);
  const pace = await after(clock, 3);
  clock.set(100);
  let waited = true;
  const resting = pace.rest(batch_bytes).then(() => {
    waited = false;
  });
  await Promise.resolve();
  await Promise.resolve();
  expect(waited).toBe(false);
  await resting;
});

it('the first commit does not wait, and a failed one counts like any other', async () => {
  const clock = workingClock(100, 1);
  const pace = new FlushPace(clock);
  await pace.rest(batch_bytes);
  expect(clock.worked()).toBe(0);
  const failing = pace.timed(async () => {
    clock.set(clock.monotonic() + 2);
    throw new Error('the disk is full');
  });
  await expect(failing).rejects.toThrow('the disk is full');
  await pace.rest(batch_bytes);
  expect(clock.worked()).toBeGreaterThanOrEqual(8);
});
