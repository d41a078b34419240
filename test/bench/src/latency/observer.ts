import { setTimeout as sleep } from 'node:timers/promises';

export interface ObserverOptions {
  /** Asks the follower for the highest number that it shows; -1 for none. One round trip over one connection. */
  highest(): Promise<number>;
  /**
   * Pause between two looks. 0: look again at once, for the finest resolution (a round trip, some 0.2 ms), while one waits for a
   * commit; nothing while one does not.
   */
  readonly pause_ms: number;
}

/**
 * Watches a follower from outside and measures each commit from the leader's acknowledgement to the answer of the follower that
 * first shows it. Always late by up to a round trip and the pause, never early.
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #latencies_ms = new Map<number, number>();
  /** Numbers and times of acknowledgement, in order. */
  readonly #pending: { readonly number: number; readonly committed_ms: number }[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** The leader has acknowledged commit `number` just now. */
  committed(number: number): void {
    this.#pending.push({ number, committed_ms: performance.now() });
    this.#wake?.();
  }

  /** No more commits will come: `run` resolves once all are visible. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Commits that the follower has not shown yet. */
  get waiting(): number {
    return this.#pending.length;
  }

  /** Looks until everything committed was seen, or `signal` aborts. Gives latencies by number, milliseconds. */
  async run(signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    const stop = (): void => this.#wake?.();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted && !(this.#ended && this.#pending.length === 0)) {
        if (this.#pending.length === 0) await this.#untilWoken();
        else await this.#look();
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return this.#latencies_ms;
  }

  async #look(): Promise<void> {
    const highest = await this.#options.highest();
    const seen_ms = performance.now();
    while (this.#pending[0] && this.#pending[0].number <= highest) {
      const { number, committed_ms } = this.#pending.shift() as { number: number; committed_ms: number };
      this.#latencies_ms.set(number, seen_ms - committed_ms);
    }
    if (this.#options.pause_ms > 0) await sleep(this.#options.pause_ms);
  }

  async #untilWoken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
