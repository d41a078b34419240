import type { ProgressRecord } from '@millrace/log';
import { type Lsn, lsnZero, type Position, startOfHistory } from '@millrace/model';
import type { Clock } from '@millrace/runtime';
import type { CaptureStatus, SnapshotProgress } from './status.js';

/** Figures of a capture over all its epochs. */
export class Progress {
  readonly #clock: Clock;
  waiting: string | undefined;
  epoch = 0;
  confirmed: Lsn = lsnZero;
  applied: Lsn = lsnZero;
  received: () => Lsn = () => lsnZero;
  held_bytes: () => number = () => 0;
  snapshot: () => SnapshotProgress | undefined = () => undefined;
  #published: Position = startOfHistory;
  #leader: { readonly position: Lsn; readonly at_ms: number } | undefined;
  #transactions = 0;
  #events = 0;
  #records = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get records(): number {
    return this.#records;
  }

  leaderAt(position: Lsn): void {
    this.#leader = { position, at_ms: this.#clock.now() };
  }

  published(record: ProgressRecord): void {
    this.#records++;
    if (record.kind === 'open') this.#published = record.at;
    if (record.kind !== 'progress') return;
    this.#published = record.to;
    this.#transactions += record.transactions;
    this.#events += Number(record.events);
  }

  status(): Omit<CaptureStatus, 'state'> {
    return {
      waiting: this.waiting,
      epoch: this.epoch,
      received: this.received(),
      published: this.#published,
      confirmed: this.confirmed,
      applied: this.applied,
      leader: this.#leader,
      transactions: this.#transactions,
      events: this.#events,
      records: this.#records,
      held_bytes: this.held_bytes(),
      snapshot: this.snapshot(),
    };
  }
}
