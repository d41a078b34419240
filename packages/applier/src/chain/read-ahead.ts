import type { ChainReader, CountingRecord } from '@millrace/log';
import type { Clock } from '@millrace/runtime';

/** Pause between two looks at a log that is known to hold more. */
const read_ms = 100;

/**
 * Reads counting records ahead of the one being applied, in the background and bounded, so that what gathers during one
 * follower transaction can share the next (group commit), and a fork is seen before what it retracts is applied (R32).
 */
export class ReadAhead {
  readonly #chain: ChainReader;
  readonly #capacity: number;
  readonly #pending: CountingRecord[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeApplier: (() => void) | undefined;

  constructor(chain: ChainReader, capacity: number) {
    this.#chain = chain;
    this.#capacity = capacity;
  }

  /** Records read and not taken yet, in order. */
  get pending(): readonly CountingRecord[] {
    return this.#pending;
  }

  /** Reads until `signal` aborts or the log fails; a failure is thrown by `wait` once everything before it is taken. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#wakeReader?.();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const record of this.#chain.next(signal)) {
        this.#pending.push(record);
        this.#wakeApplier?.();
        if (this.#pending.length >= this.#capacity && !signal.aborted)
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve;
          });
      }
    } catch (error) {
      this.#failure = { error };
      this.#wakeApplier?.();
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Forgets the first `records` pending ones: they are applied. */
  taken(records: number): void {
    this.#pending.splice(0, records);
    if (this.#pending.length < this.#capacity) this.#wakeReader?.();
  }

  /**
   * Takes the records up to and including offset `last` out, reading on to there if need be: others have applied them. `onPassed`
   * gets them, in order.
   */
  async passTo(
    last: bigint,
    onPassed: (records: readonly CountingRecord[]) => void,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const left = this.#pending.findIndex(({ offset }) => offset > last);
      const passed = this.#pending.slice(0, left < 0 ? undefined : left);
      onPassed(passed);
      this.taken(passed.length);
      if (left >= 0 || passed.at(-1)?.offset === last) return;
      await this.wait(clock, read_ms, signal);
      signal.throwIfAborted();
    }
  }

  /** True when a record is pending; false after `ms` quiet milliseconds or when `signal` aborts. Throws what ended the reading. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#pending.length > 0) return true;
    if (this.#failure) throw this.#failure.error;
    const timer = new AbortController();
    const stop = (): void => timer.abort();
    signal.addEventListener('abort', stop, { once: true });
    this.#wakeApplier = stop;
    await clock.sleep(ms, timer.signal);
    this.#wakeApplier = undefined;
    signal.removeEventListener('abort', stop);
    if (this.#pending.length > 0) return true;
    const failure = this.#failure as { readonly error: unknown } | undefined;
    if (failure) throw failure.error;
    return false;
  }
}
