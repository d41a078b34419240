import { type Clock, Fault, type Logger } from '@millrace/runtime';
import type { ProcessIdentity } from './process-identity.js';
import { type Holder, holdersOf, stillHolding, type Writers } from './writers.js';

export interface LockWaitOptions {
  readonly writers: Writers;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identify: (pid: number) => ProcessIdentity | undefined;
  readonly takeoverAfter_ms: number;
}

const firstPause_ms = 1;
const pause_ms_max = 20;
const tell_ms = 1_000;
/** A write that is no takeover gives up after this: nothing was written, its caller may try again. */
const patience_ms = 15_000;

export type LockVerdict = 'go' | 'wait' | 'end-holders' | 'give-up';

/** What a writer does that has waited `waited_ms` for `holders` (pure). Only an exact match is ever ended (§12). */
export function judgeLock(
  holders: readonly Holder[],
  waited_ms: number,
  takeover: boolean,
  takeoverAfter_ms: number,
): LockVerdict {
  if (holders.length === 0) return 'go';
  if (takeover) {
    const certain = holders.every((holder) => holder.match === 'exact');
    return certain && waited_ms >= takeoverAfter_ms ? 'end-holders' : 'wait';
  }
  return waited_ms >= patience_ms ? 'give-up' : 'wait';
}

/**
 * Stands before every write transaction. LMDB's own lock would block the whole process, so that it could neither answer its
 * leader nor say why it waits; so we look at who is inside first, and wait outside.
 */
export class LockWait {
  readonly #options: LockWaitOptions;
  #waiting: { reason: string; since_ms: number } | undefined;

  constructor(options: LockWaitOptions) {
    this.#options = options;
  }

  /** Why a write of this process waits at present (promise 10). */
  get waiting(): { readonly reason: string; readonly since_ms: number } | undefined {
    return this.#waiting;
  }

  /** Undefined when nobody is inside: go on at once. Otherwise resolves when those who were have left. MR-3010 after 15 s unless `takeover`. */
  clear(takeover: boolean): Promise<void> | undefined {
    const holders = this.#holders();
    return holders.length === 0 ? undefined : this.#wait(holders, takeover);
  }

  #holders(): Holder[] {
    return holdersOf(this.#options.writers.others(), this.#options.identify);
  }

  async #wait(first: readonly Holder[], takeover: boolean): Promise<void> {
    const { clock, takeoverAfter_ms } = this.#options;
    const started_ms = clock.monotonic();
    let holders = first;
    let pause_ms = firstPause_ms;
    try {
      for (;;) {
        const waited_ms = clock.monotonic() - started_ms;
        const verdict = judgeLock(holders, waited_ms, takeover, takeoverAfter_ms);
        if (verdict === 'go') return;
        if (verdict === 'give-up') throw new Fault('MR-3010', { detail: describe(holders) });
        if (verdict === 'end-holders') this.#end(holders);
        else if (waited_ms >= tell_ms) this.#tell(holders);
        await clock.sleep(pause_ms);
        pause_ms = Math.min(pause_ms * 2, pause_ms_max);
        holders = stillHolding(first, this.#holders());
      }
    } finally {
      this.#waiting = undefined;
    }
  }

  #tell(holders: readonly Holder[]): void {
    if (this.#waiting) return;
    const { clock, logger } = this.#options;
    this.#waiting = { reason: `MR-3010 LogLocked: ${describe(holders)}`, since_ms: clock.now() };
    logger.warn({ code: 'MR-3010', pids: pidsOf(holders) }, this.#waiting.reason);
  }

  #end(holders: readonly Holder[]): void {
    const { logger } = this.#options;
    logger.warn(
      { code: 'MR-3010', pids: pidsOf(holders) },
      `${describe(holders)}; it did not leave, so it is ended by this takeover`,
    );
    for (const holder of holders) {
      try {
        process.kill(holder.identity.pid, 'SIGKILL');
      } catch (error) {
        // Gone in the meantime is what we want; another user's process is not ours to end: wait on, visibly.
        logger.warn(
          { err: error, pid: holder.identity.pid },
          'the process that holds the log could not be ended',
        );
      }
    }
  }
}

const pidsOf = (holders: readonly Holder[]): number[] => holders.map((holder) => holder.identity.pid);

const describe = (holders: readonly Holder[]): string =>
  `process ${pidsOf(holders).join(', ')} is inside a write to the log and does not leave it (paused?)`;
