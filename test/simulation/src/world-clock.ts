import type { Clock } from '@millrace/runtime';

/** The time of a world: virtual on the in-memory log, real on brokers. */
export interface WorldClock extends Clock {
  /** Calls `action` after `ms` milliseconds. */
  after(ms: number, action: () => void): void;
  /** Lets the world go on until `finished` says so, nothing is left to do, or `until_ms` has come. Returns false in the last case. */
  run(until_ms: number, finished?: () => boolean): Promise<boolean>;
}
