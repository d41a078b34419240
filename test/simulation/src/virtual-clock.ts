import type { WorldClock } from './world-clock.js';

interface Timer {
  readonly at_ms: number;
  readonly serial: number;
  readonly fire: () => void;
  done: boolean;
}

/** Virtual time begins here: 2026-01-01, so that microsecond times look like real ones. */
const epoch_ms = Date.UTC(2026, 0, 1);

/**
 * Time that passes only when everything waits. `run` lets microtasks come to rest, then fires the earliest timer, and so on: one
 * deterministic order of events, whatever the machine does.
 */
export class VirtualClock implements WorldClock {
  #now_ms = 0;
  #serial = 0;
  /** A binary heap by (at, serial). */
  readonly #heap: Timer[] = [];

  now(): number {
    return epoch_ms + this.#now_ms;
  }

  monotonic(): number {
    return this.#now_ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        if (timer.done) return;
        timer.done = true;
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = this.#schedule(ms, finish);
      signal?.addEventListener('abort', finish, { once: true });
    });
  }

  /** Calls `action` after `ms` milliseconds. */
  after(ms: number, action: () => void): void {
    const timer = this.#schedule(ms, () => {
      timer.done = true;
      action();
    });
  }

  /** Runs until `finished` says so, nothing is left to do, or `until_ms` has come. Returns false in the last case. */
  async run(until_ms: number, finished: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      await atRest();
      if (finished()) return true;
      const timer = this.#pop();
      if (!timer) return true;
      if (timer.at_ms > until_ms) {
        this.#push(timer);
        this.#now_ms = until_ms;
        return false;
      }
      this.#now_ms = Math.max(this.#now_ms, timer.at_ms);
      timer.fire();
    }
  }

  #schedule(ms: number, fire: () => void): Timer {
    const timer: Timer = { at_ms: this.#now_ms + Math.max(0, ms), serial: this.#serial++, fire, done: false };
    this.#push(timer);
    return timer;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  /** The earliest timer that has not fired or been aborted. */
  #pop(): Timer | undefined {
    const heap = this.#heap;
    while (heap.length > 0) {
      const first = heap[0] as Timer;
      const last = heap.pop() as Timer;
      if (heap.length > 0) this.#sink(last);
      if (!first.done) return first;
    }
    return undefined;
  }

  #sink(timer: Timer): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child++;
      if (!isBefore(heap[child] as Timer, timer)) break;
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = timer;
  }
}

const isBefore = (a: Timer, b: Timer): boolean =>
  a.at_ms !== b.at_ms ? a.at_ms < b.at_ms : a.serial < b.serial;

/** Resolves when no microtask is left: immediates run after all of them. Nothing in the simulation does real I/O. */
const atRest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
