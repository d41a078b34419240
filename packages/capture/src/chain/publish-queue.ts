import { toFault } from '@millrace/runtime';

/** One step of writing the chain. Steps run one at a time, in order; a step may wait for what it needs. */
export interface PublishUnit {
  run(): Promise<void>;
}

/**
 * The order in which an epoch's batches and records reach the log. Nothing runs in parallel (R11), but the stream goes on filling
 * the next batch while a step is under way. The first failure ends it for good (R12): `failed` rejects, later steps are dropped.
 */
export class PublishQueue {
  readonly #units: PublishUnit[] = [];
  readonly #onIdle: () => void;
  /** The loop is alive. */
  #draining = false;
  /** A step is under way. */
  #busy = false;
  #closed = false;
  #fail: (error: unknown) => void = () => {};
  #waiters: (() => void)[] = [];
  /** Never resolves; rejects with the fault that ended the queue. */
  readonly failed: Promise<never>;

  /** `onIdle` is called whenever the last step is done: the moment to cut what has gathered (natural group commit). */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Whoever runs the stream awaits it; until then a failure must not count as unhandled.
    this.failed.catch(() => {});
  }

  get idle(): boolean {
    return !this.#busy && this.#units.length === 0;
  }

  get length(): number {
    return this.#units.length + (this.#busy ? 1 : 0);
  }

  add(unit: PublishUnit): void {
    if (this.#closed) return;
    this.#units.push(unit);
    if (!this.#draining) void this.#drain();
  }

  /** Resolves when everything added so far is done. Rejects when the queue failed. */
  settled(): Promise<void> {
    if (this.idle) return Promise.resolve();
    const done = new Promise<void>((resolve) => this.#waiters.push(resolve));
    return Promise.race([done, this.failed]);
  }

  /** Ends the queue with the fault of something that works for it. */
  fail(error: unknown): void {
    this.close();
    this.#fail(toFault(error));
  }

  /** Drops what has not begun. The step under way ends by itself: its signal is the epoch's. */
  close(): void {
    this.#closed = true;
    this.#units.length = 0;
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      for (let unit = this.#units.shift(); unit; unit = this.#units.shift()) {
        this.#busy = true;
        await unit.run();
        this.#busy = false;
        if (this.#units.length === 0 && !this.#closed) this.#onIdle();
      }
    } catch (error) {
      this.close();
      this.#fail(toFault(error));
    } finally {
      this.#busy = false;
      this.#draining = false;
    }
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
