import type { Log } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import type { WorldClock } from '../world-clock.js';

/** Requests that reach the brokers later than their sender thinks, or once more: truly sent, through a handle that no process has. */
export class LatePost {
  readonly #log: Log;
  readonly #clock: WorldClock;
  /** One after the other: a handle takes one append per partition at a time (R10). */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(log: Log, clock: WorldClock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Sends after `ms` milliseconds, whether or not the first sender still lives. */
  later(ms: number, send: (log: Log) => Promise<unknown>): void {
    this.#clock.after(ms, () => {
      this.#turn = this.#turn.then(() => send(this.#log)).catch(nobodyWaits);
    });
  }
}

/** A late request that is refused simply has no effect. */
function nobodyWaits(error: unknown): void {
  if (!(error instanceof Fault)) throw error;
}
