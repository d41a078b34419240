import { inTime, PatientWrites, type PatientWritesOptions, write_ms_max } from '../patience.js';
import { type Outbox, type Owed, owedKey } from './outbox.js';

export interface PatientOutboxOptions extends PatientWritesOptions {
  readonly outbox: Outbox;
}

/**
 * The outbox as the delivery uses it: a log that fails or hangs holds nobody up for long, and what is written about one
 * notification is written in order, however late.
 */
export class PatientOutbox {
  readonly #options: PatientOutboxOptions;
  readonly #writes: PatientWrites;

  constructor(options: PatientOutboxOptions) {
    this.#options = options;
    this.#writes = new PatientWrites(options);
  }

  owed(): Promise<readonly Owed[]> {
    return this.#options.outbox.owed();
  }

  /** Whether it is kept for certain. */
  put(owed: Owed): Promise<boolean> {
    return this.#writes.write(owedKey(owed), () => this.#options.outbox.put(owed));
  }

  async delete(key: string): Promise<void> {
    await this.#writes.write(key, () => this.#options.outbox.delete(key));
  }

  /** Undefined: cannot be told now. */
  has(key: string): Promise<boolean | undefined> {
    const { clock, outbox } = this.#options;
    const found = outbox.has(key).catch(() => undefined);
    return inTime<boolean | undefined>(found, () => undefined, { clock, patience_ms: write_ms_max });
  }
}
