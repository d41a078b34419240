import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@millrace/runtime';

/** Smaller commits never wait: they are somebody's latency. */
const paced_bytes_min = 32 * 1024;
/** Nor do larger ones: their flush costs its bytes, and little for being a flush. */
const paced_bytes_max = 2 * 1024 * 1024;
/** Work between two flushes, in times of the flush before: flushing then takes at most a fifth of the time. */
const workPerFlush = 4;
const rest_ms_max = 20;
/** A turn of the event loop that took less had nothing to do … */
const idleTurn_ms = 0.1;
/** … and after so many in a row nothing is on its way either. */
const idleTurns_max = 2;

/** How long after the flush before, which took `flush_ms`, a commit of `bytes` begins if there is other work to do (pure). */
export function rest_ms(bytes: number, flush_ms: number): number {
  if (bytes < paced_bytes_min || bytes >= paced_bytes_max) return 0;
  return Math.min(flush_ms * workPerFlush, rest_ms_max);
}

/**
 * Group commit for a log whose flush holds its process up. A stream that is drained hands over a batch as soon as the one before is
 * written: each would be one transaction of the leader, and half of all time would be waiting for the disk. So a batch of some size
 * lets the stream go on first, which fills the next batch meanwhile; it waits no longer than there is work to do.
 */
export class FlushPace {
  readonly #clock: Clock;
  #flush_ms = 0;
  #ended_ms = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before a commit of `bytes`. */
  async rest(bytes: number): Promise<void> {
    const until_ms = this.#ended_ms + rest_ms(bytes, this.#flush_ms);
    let now_ms = this.#clock.monotonic();
    for (let idle = 0; now_ms < until_ms && idle < idleTurns_max; ) {
      const before_ms = now_ms;
      await turn();
      now_ms = this.#clock.monotonic();
      idle = now_ms - before_ms < idleTurn_ms ? idle + 1 : 0;
    }
  }

  /** Runs a commit and remembers how long it took. */
  async timed<T>(commit: () => Promise<T>): Promise<T> {
    const started_ms = this.#clock.monotonic();
    try {
      return await commit();
    } finally {
      this.#ended_ms = this.#clock.monotonic();
      this.#flush_ms = this.#ended_ms - started_ms;
    }
  }
}
