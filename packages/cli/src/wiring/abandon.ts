import { type Clock, JointSignal } from '@millrace/runtime';

/** A stop that takes longer waits for a server that does not answer. Leaves the rest of the five seconds for notes and files. */
const stop_ms_max = 3_000;
/** What comes after something that was left behind: it waits for the same server, and gets no three seconds of its own. */
export const afterAbandoned_ms = 500;

/**
 * Waits for `work` to settle; once `signal` has aborted, for three seconds (`limit_ms`) at most: a connection that hangs must not keep
 * the process. False when it was left behind: everything durable survives that, as it survives a kill.
 */
export async function settledOrAbandoned(
  work: Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
  limit_ms = stop_ms_max,
): Promise<boolean> {
  const settled = new AbortController();
  const watched = work.then(
    () => true,
    () => true,
  );
  using either = new JointSignal(signal, settled.signal);
  const abandoned = aborted(either.signal).then(async () => {
    await clock.sleep(limit_ms, settled.signal);
    return false;
  });
  try {
    return await Promise.race([watched, abandoned]);
  } finally {
    settled.abort();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
