import type { Clock } from '@millrace/runtime';

/** A session that may hold locks of position rows. `broken` once the store ended it. */
export interface MemorySession {
  broken: boolean;
  /** The handle's identity among the workers. */
  readonly worker?: string;
}

/** The lock of one position row, first come, first served by chance; a holder that keeps it too long is ended. */
export class MemoryLock {
  readonly #clock: Clock;
  readonly #timeout_ms: number;
  #holder: MemorySession | undefined;
  #waiters: (() => void)[] = [];

  constructor(clock: Clock, timeout_ms: number) {
    this.#clock = clock;
    this.#timeout_ms = timeout_ms;
  }

  get holder(): MemorySession | undefined {
    return this.#holder;
  }

  /** Waits for the lock; a holder that keeps it longer than the timeout is ended. */
  async take(session: MemorySession): Promise<void> {
    while (this.#holder) {
      const holder = this.#holder;
      const giveUp = new AbortController();
      const freed = new Promise<void>((resolve) => this.#waiters.push(resolve));
      await Promise.race([
        freed,
        this.#clock.sleep(this.#timeout_ms, giveUp.signal).then(() => this.#expire(holder, giveUp.signal)),
      ]);
      giveUp.abort();
    }
    this.#holder = session;
  }

  /** Frees the lock if `session` holds it. */
  leave(session: MemorySession): void {
    if (this.#holder === session) this.#release();
  }

  /** Ends the session that holds it, if `which` says so: it commits nothing any more. */
  end(which: (session: MemorySession) => boolean = () => true): void {
    if (!this.#holder || !which(this.#holder)) return;
    this.#holder.broken = true;
    this.#release();
  }

  #expire(holder: MemorySession, signal: AbortSignal): void {
    if (signal.aborted || this.#holder !== holder) return;
    this.end();
  }

  #release(): void {
    this.#holder = undefined;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
