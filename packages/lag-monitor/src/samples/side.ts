import { type Clock, type Fault, toFault } from '@millrace/runtime';
import { inTime } from '../patience.js';

/** What was read, or why it could not be. */
export type Measured<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault };

/** A side that has not answered by then is not measured. Beyond a leader's statement timeout (5 s), whose fault says more. */
export const answer_ms_max = 8_000;

export interface SideOptions<T> {
  readonly clock: Clock;
  readonly read: () => Promise<T>;
  /** The fault of a side that has not answered for so many seconds. */
  readonly unanswered: (waited_s: number) => Fault;
}

/**
 * One side of a sample: the leader, or the log. A read that hangs holds up one sample, and that not for long; until it
 * settles the side is not measured and not asked again, or reads would pile up on a side that is in trouble already. What a
 * late read brings is dropped: it is of a time that has passed.
 */
export class Side<T> {
  readonly #options: SideOptions<T>;
  /** Monotonic clock, ms: when the read that has not settled yet began. */
  #asked_ms: number | undefined;

  constructor(options: SideOptions<T>) {
    this.#options = options;
  }

  /** Never rejects. `signal` ends the wait, not the read. */
  async measure(signal?: AbortSignal): Promise<Measured<T>> {
    const { clock } = this.#options;
    if (this.#asked_ms !== undefined) return this.#unanswered(this.#asked_ms);
    const asked_ms = clock.monotonic();
    this.#asked_ms = asked_ms;
    return inTime(this.#read(), () => this.#unanswered(asked_ms), {
      clock,
      patience_ms: answer_ms_max,
      signal,
    });
  }

  async #read(): Promise<Measured<T>> {
    try {
      return { ok: true, value: await this.#options.read() };
    } catch (error) {
      return { ok: false, fault: toFault(error) };
    } finally {
      this.#asked_ms = undefined;
    }
  }

  #unanswered(asked_ms: number): Measured<T> {
    const { clock, unanswered } = this.#options;
    return { ok: false, fault: unanswered(Math.round((clock.monotonic() - asked_ms) / 1_000)) };
  }
}
