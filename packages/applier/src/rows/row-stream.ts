import type { FollowerTransaction, MirroredTable, NewRowsSink, TableBatch } from '@millrace/follower';
import type { RecordCursor } from '@millrace/log';
import type { Row } from '@millrace/model';
import type { TableFeed } from './table-feed.js';

/** One call of the follower, ready to be made. */
type Step = (transaction: FollowerTransaction) => Promise<void>;

export interface RowStreamLimits {
  readonly write_bytes: number;
  readonly write_rows: number;
}

/** Rows of the bulk lane for which a call is worth its round trips. */
const newRows_min = 5_000;

/** Rough cost of an event beside its bytes: arrays and strings of its row. */
const perEvent_bytes = 64;

/**
 * Carries events into one follower transaction: gathers them per table, and hands them over in calls bounded by
 * bytes and rows. While the follower works on one call the next is gathered, so at most two are held (promise 7). The calls
 * of one table keep their order; calls of different tables do not meet.
 */
export class RowStream {
  readonly #begun: Promise<FollowerTransaction>;
  /** Undefined until it has begun. */
  #transaction: FollowerTransaction | undefined;
  readonly #limits: RowStreamLimits;
  readonly #touched = new Set<TableFeed>();
  #steps: Step[] = [];
  #held_bytes = 0;
  #held_rows = 0;
  /** Those of them that took the bulk lane. */
  #held_newRows = 0;
  #working: Promise<void> | undefined;
  #isIdle = true;
  #failure: { readonly error: unknown } | undefined;
  /** Events taken so far. */
  events = 0;
  bytes = 0;

  /** `begun` may still be on its way: events are gathered meanwhile, and handed over to it. */
  constructor(begun: Promise<FollowerTransaction>, limits: RowStreamLimits) {
    this.#begun = begun;
    begun.then(
      (transaction) => {
        this.#transaction = transaction;
      },
      // Told to whoever hands over, or ends.
      () => undefined,
    );
    this.#limits = limits;
  }

  event(feed: TableFeed, cursor: RecordCursor): void {
    const size = cursor.recordEnd - cursor.recordStart;
    this.#touched.add(feed);
    if (feed.event(cursor, this)) this.#held_newRows++;
    this.events++;
    this.bytes += size;
    this.#held_bytes += size + perEvent_bytes;
    this.#held_rows++;
  }

  write(batches: readonly TableBatch[]): void {
    for (const batch of batches) this.#steps.push((transaction) => transaction.write(batch));
  }

  newRows(table: MirroredTable): NewRowsSink | undefined {
    return this.#transaction?.newRows(table);
  }

  truncate(table: MirroredTable): void {
    this.#steps.push((transaction) => transaction.truncate([table]));
  }

  /** R26, §7: a windowed chunk replaces the rows of its range. Queued before the chunk's own rows. */
  deleteRange(
    table: MirroredTable,
    range: { readonly after: Row | null; readonly upTo: Row | null },
    keep: readonly Row[],
  ): void {
    this.#steps.push((transaction) => transaction.deleteRange(table, range, keep));
  }

  /** Undefined: go on. Otherwise wait: what has gathered is handed over once the call before it is done. */
  room(): Promise<void> | undefined {
    const full = this.#held_bytes >= this.#limits.write_bytes || this.#held_rows >= this.#limits.write_rows;
    // What is not coalesced gains nothing by waiting for more while the follower waits for us.
    const isWorthCall =
      this.#isIdle && this.#held_newRows >= newRows_min && this.#held_newRows === this.#held_rows;
    return full || isWorthCall ? this.#handOver() : undefined;
  }

  /** Closes what the tables have gathered, in the order in which they were first touched. */
  cut(): void {
    for (const feed of this.#touched) this.write(feed.take());
    this.#touched.clear();
  }

  /** Hands everything over and waits until the follower has taken it. */
  async finish(): Promise<void> {
    await this.#handOver();
    await this.#settle();
  }

  /** Waits for a call in flight, whatever its outcome: the transaction can be aborted then. */
  async quiesce(): Promise<void> {
    await this.#working;
  }

  async #handOver(): Promise<void> {
    await this.#settle();
    this.cut();
    const steps = this.#steps;
    this.#steps = [];
    this.#held_bytes = 0;
    this.#held_rows = 0;
    this.#held_newRows = 0;
    if (steps.length === 0) return;
    this.#isIdle = false;
    this.#working = this.#run(steps)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#isIdle = true;
      });
  }

  async #run(steps: readonly Step[]): Promise<void> {
    const transaction = await this.#begun;
    for (const step of steps) await step(transaction);
  }

  async #settle(): Promise<void> {
    await this.#working;
    this.#working = undefined;
    if (this.#failure) throw this.#failure.error;
  }
}
