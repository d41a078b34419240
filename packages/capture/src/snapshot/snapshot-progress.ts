import type { SnapshotState } from '@millrace/log';
import type { Clock } from '@millrace/runtime';
import type { SnapshotProgress, TableProgress } from '../status.js';
import { unfinished } from './states.js';

const millisecondsPerSecond = 1000;

/** Counts a snapshot's rows for people. Counted since this process began or went on with it. */
export class SnapshotMeter {
  readonly #clock: Clock;
  readonly #nameOf: (topic: number) => string;
  readonly #rows = new Map<number, number>();
  readonly #estimates = new Map<number, number>();
  #id = 0;
  #started_ms = 0;
  #discarded = 0;
  #lastDiscard: string | undefined;

  constructor(clock: Clock, nameOf: (topic: number) => string) {
    this.#clock = clock;
    this.#nameOf = nameOf;
  }

  /** Estimated rows of a table, −1 when the leader has no idea. */
  estimate(topic: number, rows: number): void {
    if (rows >= 0) this.#estimates.set(topic, rows);
  }

  row(snapshot: number, topic: number, rows = 1): void {
    if (this.#id !== snapshot) {
      this.#id = snapshot;
      this.#started_ms = this.#clock.monotonic();
      this.#rows.clear();
    }
    this.#rows.set(topic, (this.#rows.get(topic) ?? 0) + rows);
  }

  discarded(reason: string): void {
    this.#discarded++;
    this.#lastDiscard = reason;
  }

  /** Undefined while no snapshot is unfinished. */
  progress(snapshots: readonly SnapshotState[]): SnapshotProgress | undefined {
    const current = unfinished(snapshots)[0];
    if (!current) return undefined;
    const tables = current.tables.map(({ topic, remaining }) => this.#table(topic, remaining.length === 0));
    const rowsDone = tables.reduce((sum, table) => sum + table.rowsDone, 0);
    const known = tables.every(({ rowsEstimated }) => rowsEstimated !== undefined);
    const rowsEstimated = known
      ? tables.reduce((sum, table) => sum + (table.rowsEstimated ?? 0), 0)
      : undefined;
    const elapsed_ms = this.#id === current.id ? this.#clock.monotonic() - this.#started_ms : 0;
    const rowsPerSecond = elapsed_ms > 0 ? (rowsDone * millisecondsPerSecond) / elapsed_ms : 0;
    const left = rowsEstimated === undefined ? undefined : Math.max(0, rowsEstimated - rowsDone);
    return {
      id: current.id,
      kind: current.kind,
      tables,
      rowsDone,
      rowsEstimated,
      rowsPerSecond,
      eta_ms:
        left === undefined || rowsPerSecond === 0
          ? undefined
          : (left * millisecondsPerSecond) / rowsPerSecond,
      discarded: this.#discarded,
      lastDiscard: this.#lastDiscard,
    };
  }

  #table(topic: number, finished: boolean): TableProgress {
    return {
      topic: this.#nameOf(topic),
      rowsDone: this.#rows.get(topic) ?? 0,
      rowsEstimated: this.#estimates.get(topic),
      finished,
    };
  }
}
