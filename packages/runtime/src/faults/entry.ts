/**
 * What a service does about a fault:
 * - `stop`: loud stop; nothing later is applied or published until an operator (or a configured policy) decides.
 * - `reclaim`: the capture gives up its epoch and starts over with a new claim (R12).
 * - `backoff`: try the same again after a growing pause; the wait shows in status (promise 10).
 * - `exit`: the process ends; another one has taken over, or the request itself was wrong.
 */
export type FaultPolicy = 'stop' | 'reclaim' | 'backoff' | 'exit';

export interface FaultEntry {
  readonly name: string;
  /** Why this happens, in an operator's words. */
  readonly cause: string;
  /** What to do, as an instruction. */
  readonly remedy: string;
  readonly policy: FaultPolicy;
  /** Process exit code when this fault ends a command (sysexits, see docs). */
  readonly exit: number;
}

/** One row of the catalogue. */
export const entry = (
  name: string,
  policy: FaultPolicy,
  exit: number,
  cause: string,
  remedy: string,
): FaultEntry => ({
  name,
  cause,
  remedy,
  policy,
  exit,
});
