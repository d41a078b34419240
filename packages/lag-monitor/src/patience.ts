import { type Clock, Fault, JointSignal } from '@millrace/runtime';

export interface Patience {
  readonly clock: Clock;
  readonly patience_ms: number;
  /** Ends the wait early, as time does. */
  readonly signal?: AbortSignal | undefined;
}

/** What `work` gives, or `late()` when that takes longer; nobody hears then how the work ends. */
export async function inTime<T>(work: Promise<T>, late: () => T, patience: Patience): Promise<T> {
  const { clock, patience_ms, signal } = patience;
  const ended = new AbortController();
  using either = new JointSignal(ended.signal, signal);
  const waited = clock.sleep(patience_ms, either.signal).then(() => (ended.signal.aborted ? work : late()));
  try {
    return await Promise.race([work, waited]);
  } finally {
    ended.abort();
  }
}

/** A log that answers later than this is waited for in the background: neither a page nor a sample must wait for it. */
export const write_ms_max = 2_000;

export interface PatientWritesOptions {
  readonly clock: Clock;
  /** A write that failed, or is late; it may still succeed. */
  readonly onTrouble: (error: unknown) => void;
}

/** Writes to a log that may fail or hang: it holds nobody up for long, and writes of one key stay in order, however late. */
export class PatientWrites {
  readonly #options: PatientWritesOptions;
  /** The last write under way, by key. */
  readonly #writes = new Map<string, Promise<boolean>>();

  constructor(options: PatientWritesOptions) {
    this.#options = options;
  }

  /** Whether it is written for certain. */
  write(key: string, work: () => Promise<void>): Promise<boolean> {
    const { clock, onTrouble } = this.#options;
    const before = this.#writes.get(key) ?? Promise.resolve(true);
    const done = before.then(work).then(
      () => true,
      (error: unknown) => {
        onTrouble(error);
        return false;
      },
    );
    this.#writes.set(key, done);
    void done.then(() => {
      if (this.#writes.get(key) === done) this.#writes.delete(key);
    });
    const late = (): boolean => {
      onTrouble(new Fault('MR-3008', { detail: 'the log has not answered in time' }));
      return false;
    };
    return inTime(done, late, { clock, patience_ms: write_ms_max });
  }
}
