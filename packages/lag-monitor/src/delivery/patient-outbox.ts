import { type Clock, Fault } from '@millrace/runtime';
import { type Outbox, type Owed, owedKey } from './outbox.js';

/** A log that answers later than this is waited for in the background: a page must not wait for it. */
const patience_ms = 2_000;

export interface PatientOutboxOptions {
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** A write that failed, or is late; it may still succeed. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * The outbox as the delivery uses it: a log that fails or hangs holds nobody up for long, and what is written about one
 * notification is written in order, however late.
 */
export class PatientOutbox {
  readonly #options: PatientOutboxOptions;
  /** The last write under way, by key. */
  readonly #writes = new Map<string, Promise<boolean>>();

  constructor(options: PatientOutboxOptions) {
    this.#options = options;
  }

  owed(): Promise<readonly Owed[]> {
    return this.#options.outbox.owed();
  }

  /** Whether it is kept for certain. */
  put(owed: Owed): Promise<boolean> {
    return this.#write(owedKey(owed), () => this.#options.outbox.put(owed));
  }

  async delete(key: string): Promise<void> {
    await this.#write(key, () => this.#options.outbox.delete(key));
  }

  /** Undefined: cannot be told now. */
  has(key: string): Promise<boolean | undefined> {
    return this.#inTime(
      this.#options.outbox.has(key).catch(() => undefined),
      () => undefined,
    );
  }

  #write(key: string, write: () => Promise<void>): Promise<boolean> {
    const before = this.#writes.get(key) ?? Promise.resolve(true);
    const done = before.then(write).then(
      () => true,
      (error: unknown) => {
        this.#options.onTrouble(error);
        return false;
      },
    );
    this.#writes.set(key, done);
    void done.then(() => {
      if (this.#writes.get(key) === done) this.#writes.delete(key);
    });
    return this.#inTime(done, () => {
      this.#options.onTrouble(new Fault('MR-3008', { detail: 'the log has not answered in time' }));
      return false;
    });
  }

  async #inTime<T>(work: Promise<T>, late: () => T): Promise<T> {
    const patience = new AbortController();
    const { clock } = this.#options;
    const waited = clock
      .sleep(patience_ms, patience.signal)
      .then(() => (patience.signal.aborted ? work : late()));
    try {
      return await Promise.race([work, waited]);
    } finally {
      patience.abort();
    }
  }
}
