import { type Clock, Fault, isFault } from '@millrace/runtime';
import { beforeEach, expect, it } from 'vitest';
import { answer_ms_max, type Measured, Side } from './side.js';

/** A clock that a test moves. */
class HandClock implements Clock {
  #now_ms = 0;
  #sleepers: { readonly at_ms: number; readonly wake: () => void }[] = [];

  now = (): number => this.#now_ms;
  monotonic = (): number => this.#now_ms;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((wake) => {
      this.#sleepers.push({ at_ms: this.#now_ms + ms, wake });
      signal?.addEventListener('abort', () => wake(), { once: true });
    });
  }

  pass(ms: number): void {
    this.#now_ms += ms;
    for (const { at_ms, wake } of this.#sleepers) if (at_ms <= this.#now_ms) wake();
  }
}

let clock: HandClock;
/** Ends the read under way. */
let answer: (value: string | Promise<string>) => void;
let asked: number;
let side: Side<string>;

beforeEach(() => {
  clock = new HandClock();
  asked = 0;
  side = new Side({
    clock,
    read: () => {
      asked += 1;
      return new Promise<string>((resolve) => {
        answer = resolve;
      });
    },
    unanswered: (waited_s) => new Fault('MR-2001', { detail: `silent for ${waited_s} s` }),
  });
});

const detailOf = (measured: Measured<string>): string =>
  measured.ok ? measured.value : measured.fault.detail;

async function hang(): Promise<void> {
  const measuring = side.measure();
  clock.pass(answer_ms_max);
  expect(detailOf(await measuring)).toBe('silent for 8 s');
}

it('gives what was read, or the fault of the read', async () => {
  const measuring = side.measure();
  answer('here');
  expect(await measuring).toEqual({ ok: true, value: 'here' });
  const failing = side.measure();
  answer(Promise.reject(new Fault('MR-2002', { detail: 'refused' })));
  const measured = await failing;
  expect(!measured.ok && isFault(measured.fault, 'MR-2002')).toBe(true);
});

it('counts a side as not measured that does not answer, and asks it no second time on top of that', async () => {
  await hang();
  clock.pass(22_000);
  expect(detailOf(await side.measure())).toBe('silent for 30 s');
  expect(asked).toBe(1);
});

it('drops a late answer, and asks anew after it', async () => {
  await hang();
  answer('late');
  await new Promise((resolve) => setImmediate(resolve));
  const measuring = side.measure();
  expect(asked).toBe(2);
  answer('present');
  expect(detailOf(await measuring)).toBe('present');
});

it('asks anew after a late failure, too', async () => {
  await hang();
  answer(Promise.reject(new Error('cut off')));
  await new Promise((resolve) => setImmediate(resolve));
  const measuring = side.measure();
  answer('present');
  expect(detailOf(await measuring)).toBe('present');
});

it('does not wait for a side any longer when told to stop', async () => {
  const stop = new AbortController();
  const measuring = side.measure(stop.signal);
  stop.abort();
  expect((await measuring).ok).toBe(false);
  expect(clock.monotonic()).toBe(0);
});
