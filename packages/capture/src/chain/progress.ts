import type { ProgressRecord } from '@millrace/log';
import { type Lsn, lsnZero, type Position, startOfHistory } from '@millrace/model';
import type { Clock } from '@millrace/runtime';
import type { CaptureStatus, SnapshotProgress } from '../status.js';
import type { ChangeCounts } from '../stream/event-writer.js';

const ops = ['r', 'c', 'u', 'd', 't'] as const;

/** Figures of a capture over all its epochs. */
export class Progress {
  readonly #clock: Clock;
  waiting: string | undefined;
  epoch = 0;
  confirmed: Lsn = lsnZero;
  applied: Lsn = lsnZero;
  received: () => Lsn = () => lsnZero;
  held_bytes: () => number = () => 0;
  heldLimit_bytes = 0;
  snapshot: () => SnapshotProgress | undefined = () => undefined;
  #published: Position = startOfHistory;
  #leader: { readonly position: Lsn; readonly at_ms: number } | undefined;
  #transactions = 0;
  #events = 0;
  #records = 0;
  #snapshotRows = 0;
  /** Of the epochs before the present one. */
  readonly #before: ChangeCounts = { r: 0, c: 0, u: 0, d: 0, t: 0 };
  #before_bytes = 0;
  #written: ChangeCounts = { r: 0, c: 0, u: 0, d: 0, t: 0 };
  #written_bytes: () => number = () => 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get records(): number {
    return this.#records;
  }

  /**
   * The leader took another way: what was received from it and applied of it before says nothing about this one, of which everything
   * up to `at` is in the log.
   */
  forked(at: Lsn): void {
    this.applied = lsnZero;
    this.received = () => at;
  }

  leaderAt(position: Lsn): void {
    this.#leader = { position, at_ms: this.#clock.now() };
  }

  /** The stream of a new epoch begins: its own counts, which go on growing, are added to those of the epochs before. */
  writes(written: ChangeCounts, bytes: () => number): void {
    for (const op of ops) this.#before[op] += this.#written[op];
    this.#before_bytes += this.#written_bytes();
    this.#written = written;
    this.#written_bytes = bytes;
  }

  published(record: ProgressRecord): void {
    this.#records++;
    if (record.kind === 'open') this.#published = record.at;
    if (record.kind !== 'progress') return;
    this.#published = record.to;
    this.#transactions += record.transactions;
    this.#events += Number(record.events);
    if (record.chunk) this.#snapshotRows += Number(record.events);
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
      heldLimit_bytes: this.heldLimit_bytes,
      bytes: this.#before_bytes + this.#written_bytes(),
      changes: {
        snapshot: this.#snapshotRows,
        insert: this.#before.c + this.#written.c,
        update: this.#before.u + this.#written.u,
        delete: this.#before.d + this.#written.d,
        truncate: this.#before.t + this.#written.t,
      },
      snapshot: this.snapshot(),
    };
  }
}
