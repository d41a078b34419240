import type { TopicRelation } from '@millrace/log';
import { Fault } from '@millrace/runtime';

/**
 * What must move with the follower's position but is no row and no table: stored as JSON text in the position row, in the
 * same transaction.
 */
export interface FollowerNotes {
  /** Counts registrations of this store: positions of an earlier one (before a resync) are not comparable with this one's. */
  readonly registration: number;
  /**
   * Waits for a snapshot of all tables begun after the one of this number (0: after none); null: waits for none (R30).
   */
  readonly awaiting: number | null;
  /** Snapshots under way, by number: topic numbers of the tables that each completes. */
  readonly running: Readonly<Record<string, readonly number[]>>;
  /** Of those, the ones that the last `open` showed with nothing left to read: a bare `snapshotDone` is theirs. */
  readonly closing: readonly number[];
  /** Greatest snapshot number seen. */
  readonly newest: number;
  /** Relation versions that events still to come may carry although the follower's table has another. */
  readonly shapes: readonly KeptShape[];
  /** The tables of the `open` at the anchor are still to be made: set at a registration at an anchor. */
  readonly adopt: boolean;
}

export interface KeptShape extends TopicRelation {
  /**
   * `next`: needed by the transaction that changed the table in its middle, and gone after it.
   * `kept`: the shape that the table ignores (policy `ignore`), until the next one.
   */
  readonly until: 'next' | 'kept';
}

export const formatNotes = (notes: FollowerNotes): string => JSON.stringify(notes);

/** Reads notes back. Text that this version did not write is MR-4005: the row belongs to something else. */
export function parseNotes(text: string): FollowerNotes {
  let value: Partial<FollowerNotes>;
  try {
    value = JSON.parse(text) as Partial<FollowerNotes>;
  } catch (cause) {
    throw foreign(cause);
  }
  if (typeof value !== 'object' || value === null || typeof value.registration !== 'number') throw foreign();
  return {
    registration: value.registration,
    awaiting: value.awaiting ?? null,
    running: value.running ?? {},
    closing: value.closing ?? [],
    newest: value.newest ?? 0,
    shapes: value.shapes ?? [],
    adopt: value.adopt ?? false,
  };
}

const foreign = (cause?: unknown): Fault =>
  new Fault('MR-4005', {
    detail: 'the notes in the follower’s position row are not those of an applier',
    cause,
  });
