import type { WorldClock } from '../world-clock.js';

/** How often a run looks whether it is finished, milliseconds. */
const look_ms = 20;

/** The machine's time, for a world whose log stands in real brokers. `close` ends it: whoever sleeps then sleeps for ever. */
export class RealClock implements WorldClock {
  readonly #origin_ms = performance.now();
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now() - this.#origin_ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#schedule(ms, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  after(ms: number, action: () => void): void {
    this.#schedule(ms, action);
  }

  async run(until_ms: number, finished: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      if (finished()) return true;
      const left_ms = until_ms - this.monotonic();
      if (left_ms <= 0) return false;
      await this.sleep(Math.min(left_ms, look_ms));
    }
  }

  /** No timer of this world fires any more. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Returns what cancels it. */
  #schedule(ms: number, action: () => void): () => void {
    if (this.#closed) return () => {};
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }
}
