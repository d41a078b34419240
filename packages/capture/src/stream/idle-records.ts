import type { Lsn, Position } from '@millrace/model';
import type { Clock } from '@millrace/runtime';
import type { Recorder } from '../chain/recorder.js';
import type { CaptureDecisions } from '../decisions.js';
import type { CaptureLimits } from '../options.js';

export interface IdleRecordsOptions {
  readonly decisions: CaptureDecisions;
  readonly clock: Clock;
  readonly limits: Pick<CaptureLimits, 'idle_ms' | 'idleStep_ms' | 'idleStep_bytes'>;
  readonly recorder: Recorder;
  readonly tail: () => Position;
  /** Looks again: called when a pause is over. */
  readonly onDue: () => void;
  readonly signal: AbortSignal;
}

/**
 * R14: while nothing but unpublished tables changes, the position follows keepalives, so that lag falls to zero and WAL does not pile
 * up. A keepalive's position holds until the next transaction begins; a pause bounds how often it costs a record.
 */
export class IdleRecords {
  readonly #o: IdleRecordsOptions;
  #keepalive: Lsn | undefined;
  #last_ms = Number.NEGATIVE_INFINITY;
  #waiting = false;

  constructor(options: IdleRecordsOptions) {
    this.#o = options;
  }

  /** The leader has sent everything before `at`. */
  keepalive(at: Lsn): void {
    this.#keepalive = at;
  }

  /** A transaction began: the keepalive before it says nothing any more. */
  interrupted(): void {
    this.#keepalive = undefined;
  }

  /** Writes an idle record if one is due. Called when the queue is empty. */
  consider(uncovered: boolean): void {
    const { decisions, clock, limits, recorder, tail } = this.#o;
    const at = this.#keepalive;
    const from = tail();
    if (at === undefined || !decisions.mayRecordIdle(at, from, uncovered)) return;
    const isLarge = at - from.end >= limits.idleStep_bytes;
    const pause_ms =
      this.#last_ms +
      (isLarge ? limits.idle_ms : Math.max(limits.idle_ms, limits.idleStep_ms)) -
      clock.monotonic();
    if (pause_ms > 0) {
      this.#later(pause_ms);
      return;
    }
    this.#last_ms = clock.monotonic();
    this.#keepalive = undefined;
    recorder.idle(at);
  }

  #later(pause_ms: number): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const { clock, signal, onDue } = this.#o;
    void clock.sleep(pause_ms, signal).then(() => {
      this.#waiting = false;
      if (!signal.aborted) onDue();
    });
  }
}
