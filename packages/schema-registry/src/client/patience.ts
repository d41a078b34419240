import { backoff_ms, type Clock, defaultBackoff, type Fault, isFault } from '@millrace/runtime';

export interface Patience {
  /** How long one call tries again before its fault is thrown, milliseconds. */
  readonly patience_ms: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Ends waiting: the fault waited for is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Told why a call waits, whenever it is refused again; undefined when it goes on. */
  readonly onWait?: ((fault: Fault | undefined) => void) | undefined;
}

/** Tries until it works, as long as patience lasts and only time can help (policy `backoff`). */
export async function patiently<Result>(
  { patience_ms, clock, random, signal, onWait }: Patience,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const end_ms = clock.monotonic() + patience_ms;
  let told = false;
  try {
    for (let tries = 0; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        const pause_ms = backoff_ms(defaultBackoff, tries, random());
        const worth = isFault(error) && error.entry.policy === 'backoff' && !signal?.aborted;
        if (!worth || clock.monotonic() + pause_ms > end_ms) throw error;
        told = true;
        onWait?.(error);
        await clock.sleep(pause_ms, signal);
        if (signal?.aborted) throw error;
      }
    }
  } finally {
    if (told) onWait?.(undefined);
  }
}
