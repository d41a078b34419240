import { type BackoffPolicy, backoff_ms, type Clock, Fault } from '@millrace/runtime';
import { Trouble } from './connection/trouble.js';
import type { Wait, Waits } from './waits.js';

/** Brokers come back within seconds: looking for them a few times a second costs nothing and finds them soon. */
export const brokerBackoff: BackoffPolicy = { first_ms: 20, max_ms: 1_000, factor: 2 };
/** A wait shorter than this is no news. */
const shownAfter_ms = 300;

export interface PersistSurroundings {
  readonly clock: Clock;
  readonly waits: Waits;
  /** Aborts when the handle is closed. */
  readonly closing: AbortSignal;
}

export interface PersistOptions {
  /** What is tried, for messages: "creating topic x". */
  readonly doing: string;
  /** Ends the trying with the signal's reason; aborts with the handle's end, too. */
  readonly signal?: AbortSignal;
  /** After so long it is MR-3008: what called has a policy of its own. Undefined: as long as it takes. */
  readonly deadline_ms?: number;
  readonly backoff?: BackoffPolicy;
}

/**
 * Tries again what failed with `Trouble`, with growing pauses, visibly, until it succeeds, the handle is closed (MR-3008), the signal
 * aborts or the deadline passes (MR-3008). Anything else is the attempt's own outcome.
 */
export async function persist<T>(
  { clock, waits, closing }: PersistSurroundings,
  { doing, signal, deadline_ms, backoff = brokerBackoff }: PersistOptions,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  const started_ms = clock.monotonic();
  let wait: Wait | undefined;
  try {
    for (let number = 0; ; number++) {
      if (closing.aborted) throw closedFault();
      signal?.throwIfAborted();
      try {
        return await attempt(number);
      } catch (error) {
        if (closing.aborted) throw closedFault();
        if (!(error instanceof Trouble)) throw error;
        const reason = `${doing}: ${error.message}`;
        const waited_ms = clock.monotonic() - started_ms;
        if (deadline_ms !== undefined && waited_ms >= deadline_ms)
          throw new Fault('MR-3008', { detail: reason, cause: error });
        if (wait) wait.because(reason);
        else if (waited_ms >= shownAfter_ms) wait = waits.begin(reason);
      }
      await clock.sleep(backoff_ms(backoff, number, Math.random()), signal ?? closing);
    }
  } finally {
    wait?.end();
  }
}

export const closedFault = (): Fault => new Fault('MR-3008', { detail: 'this handle of the log was closed' });
