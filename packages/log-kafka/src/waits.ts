import type { Clock, Logger } from '@millrace/runtime';

export interface Wait {
  /** Says the cause anew. */
  because(reason: string): void;
  end(): void;
}

/** What a handle waits for at present: shown by `waiting()`, and in the log once at its begin and once at its end (promise 10). */
export class Waits {
  readonly #present = new Map<symbol, { reason: string; readonly since_ms: number }>();
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The longest present wait's reason. */
  get current(): string | undefined {
    for (const { reason } of this.#present.values()) return reason;
    return undefined;
  }

  begin(reason: string): Wait {
    const key = Symbol('wait');
    const since_ms = this.#clock.monotonic();
    const present = { reason, since_ms };
    this.#present.set(key, present);
    this.#logger.warn({}, `the log waits: ${reason}`);
    return {
      because: (next) => {
        if (next !== present.reason) this.#logger.warn({}, `the log waits: ${next}`);
        present.reason = next;
      },
      end: () => {
        if (!this.#present.delete(key)) return;
        const waited_ms = Math.round(this.#clock.monotonic() - since_ms);
        this.#logger.info({ waited_ms }, 'the log goes on');
      },
    };
  }
}
