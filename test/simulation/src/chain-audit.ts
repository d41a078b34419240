import { type ChainState, decodeRecord, judge, type StoredRecord, startOfChain } from '@millrace/log';
import { formatLsn, type Lsn, lsnZero, maxLsn } from '@millrace/model';
import { Violation } from './oracle.js';
import type { WorldLog } from './world-log.js';

/** Follows the log behind everybody's back: the chain stays whole (I1), and the slot never passes it (I2). */
export class ChainAudit {
  readonly #log: Pick<WorldLog, 'id' | 'progress'>;
  #state: ChainState;
  #read = 0n;
  /** Furthest end that ever counted, in any history. */
  #furthest: Lsn = lsnZero;
  /** Which of the leader's timelines each history of the log follows. */
  readonly #timelines = new Map<number, number>();
  records = 0;
  void = 0;

  constructor(log: Pick<WorldLog, 'id' | 'progress'>) {
    this.#log = log;
    this.#state = startOfChain(log.id);
  }

  get state(): ChainState {
    return this.#state;
  }

  timelineOf(history: number): number {
    return this.#timelines.get(history) ?? 1;
  }

  /** The log was changed by force: what was read no longer says anything. */
  restart(): void {
    this.#state = startOfChain(this.#log.id);
    this.#read = this.#log.progress.low;
  }

  check(confirmed: Lsn | undefined): void {
    const { records, high } = this.#log.progress;
    if (high > this.#read) for (const record of records) if (record.offset >= this.#read) this.#take(record);
    this.#read = high;
    if (confirmed !== undefined && this.#furthest > 0n && confirmed > this.#furthest)
      throw new Violation(
        'I2',
        `the slot is confirmed to ${formatLsn(confirmed)}, the chain covers ${formatLsn(this.#furthest)}`,
      );
  }

  #take({ offset, bytes }: StoredRecord): void {
    const record = decodeRecord(bytes);
    const verdict = judge(this.#state, offset, record);
    if (verdict.verdict !== 'counts') {
      this.void++;
      return;
    }
    this.records++;
    if (record.kind === 'open') this.#timelines.set(record.at.history, record.timeline);
    this.#state = verdict.state;
    this.#furthest = maxLsn(this.#furthest, verdict.state.to.end);
  }
}
