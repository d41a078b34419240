import { Fault } from '@millrace/runtime';
import { eventFlags } from './event-header.js';
import { type PackedRecords, RecordCursor } from './packed-records.js';
import type { BatchRecord, RecordRange } from './records.js';

const noEvent = -1;

/** What a record's header says about which events are its own, as halves for the hot loop. */
export interface Ownership {
  readonly epoch: number;
  readonly initialChunk: boolean;
  /** Initial chunk: the only commit allowed. Otherwise the first one covered. */
  readonly fromHigh: number;
  readonly fromLow: number;
  readonly toHigh: number;
  readonly toLow: number;
  /** Initial chunk: what every ordinal's upper half must be. */
  readonly chunk: number;
}

const high = (value: bigint): number => Number(value >> 32n);
const low = (value: bigint): number => Number(value & 0xffff_ffffn);

/** A chunk without a window was read from the initial snapshot, before streaming (§7). */
export const isInitialChunk = (record: BatchRecord): boolean =>
  record.chunk !== undefined && record.chunk.window === undefined;

export function ownershipOf(record: BatchRecord): Ownership {
  return {
    epoch: record.eventsEpoch,
    initialChunk: isInitialChunk(record),
    fromHigh: high(record.from.end),
    fromLow: low(record.from.end),
    toHigh: high(record.to.end),
    toLow: low(record.to.end),
    chunk: record.chunk?.chunk ?? 0,
  };
}

/** Rules 1 and 2 of §5. Tombstones repeat their delete and are not events. */
export function owns(own: Ownership, event: RecordCursor): boolean {
  if (event.epoch !== own.epoch || (event.flags & eventFlags.tombstone) !== 0) return false;
  const { commitHigh, commitLow } = event;
  const flagged = (event.flags & eventFlags.initialChunk) !== 0;
  if (own.initialChunk)
    return flagged && commitHigh === own.toHigh && commitLow === own.toLow && event.ordinalHigh === own.chunk;
  if (flagged) return false;
  const atOrAfterFrom =
    commitHigh > own.fromHigh || (commitHigh === own.fromHigh && commitLow >= own.fromLow);
  return atOrAfterFrom && (commitHigh < own.toHigh || (commitHigh === own.toHigh && commitLow < own.toLow));
}

/** Negative, zero or positive as the present event of `a` is before, at or after that of `b`. */
export function compareEvents(a: RecordCursor, b: RecordCursor): number {
  return (
    a.commitHigh - b.commitHigh ||
    a.commitLow - b.commitLow ||
    a.ordinalHigh - b.ordinalHigh ||
    a.ordinalLow - b.ordinalLow
  );
}

/**
 * Walks the kept events of one range: `step` moves within the batch at hand, `advance` fetches the next batch. The count is
 * checked when the range is exhausted, before anything else is concluded (R18).
 */
export class RangeCursor {
  readonly range: RecordRange;
  readonly #own: Ownership;
  readonly #batches: AsyncIterator<PackedRecords>;
  #event: RecordCursor | undefined;
  #kept = 0;
  #lastCommitHigh = noEvent;
  #lastCommitLow = 0;
  #lastOrdinalHigh = 0;
  #lastOrdinalLow = 0;

  constructor(range: RecordRange, own: Ownership, batches: AsyncIterator<PackedRecords>) {
    this.range = range;
    this.#own = own;
    this.#batches = batches;
  }

  /** The present event; only after `step` or `advance` returned true. */
  get event(): RecordCursor {
    return this.#event as RecordCursor;
  }

  /** Moves to the next kept event of the batch at hand; false when the batch is exhausted. */
  step(): boolean {
    const event = this.#event;
    if (!event) return false;
    while (event.next()) {
      if (!owns(this.#own, event) || !this.#isLater(event)) continue;
      this.#lastCommitHigh = event.commitHigh;
      this.#lastCommitLow = event.commitLow;
      this.#lastOrdinalHigh = event.ordinalHigh;
      this.#lastOrdinalLow = event.ordinalLow;
      this.#kept++;
      return true;
    }
    return false;
  }

  /** Fetches batches until one has a kept event; false at the range's end. Throws MR-3004 when the count is not the record's. */
  async advance(): Promise<boolean> {
    for (;;) {
      const batch = await this.#batches.next();
      if (batch.done) break;
      this.#event = new RecordCursor(batch.value);
      if (this.step()) return true;
    }
    this.#event = undefined;
    if (this.#kept !== this.range.count) throw this.#mismatch();
    return false;
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  /** Rule 3 of §5: greater than the last kept; drops late duplicates. */
  #isLater(event: RecordCursor): boolean {
    if (event.commitHigh !== this.#lastCommitHigh) return event.commitHigh > this.#lastCommitHigh;
    if (event.commitLow !== this.#lastCommitLow) return event.commitLow > this.#lastCommitLow;
    if (event.ordinalHigh !== this.#lastOrdinalHigh) return event.ordinalHigh > this.#lastOrdinalHigh;
    return event.ordinalLow > this.#lastOrdinalLow;
  }

  #mismatch(): Fault {
    const { topic, partition, first, last, count } = this.range;
    return new Fault('MR-3004', {
      detail: `topic ${topic}, partition ${partition}, offsets ${first} to ${last}: the record names ${count} events, the log holds ${this.#kept} of them`,
      context: { topic, partition, first, last, count, kept: this.#kept },
    });
  }
}
