import type { Lsn } from './lsn.js';
import type { Relation } from './relation.js';
import type { RowImage } from './row-image.js';

export type ChangeOp = 'insert' | 'update' | 'delete' | 'truncate';

/**
 * One row change as a source hands it over. A flyweight like its images: one object reused for every event, valid only
 * during the call.
 */
export interface Change {
  op: ChangeOp;
  relation: Relation;
  /** LSN of the WAL record of this change, as two unsigned 32-bit halves. Information only: not unique per row. */
  lsnHigh: number;
  lsnLow: number;
  /**
   * Old row: `undefined` on inserts and on updates whose identity did not change (unless identity is full);
   * `beforeIsFull` tells whether all columns are meaningful, or only those of the key.
   */
  before: RowImage | undefined;
  beforeIsFull: boolean;
  /** New row on inserts and updates. May have absent cells (unchanged TOAST) on updates. */
  after: RowImage | undefined;
}

/** What a transaction's BEGIN tells. */
export interface TransactionStart {
  /** Final LSN: LSN of the commit record. Identifies the commit within an epoch (R1). */
  readonly commit: Lsn;
  readonly xid: number;
  /** Commit time, microseconds since the Unix epoch. */
  readonly committedAt_us: bigint;
}

export interface TransactionEnd {
  /** End LSN of the commit record: what a position's `end` becomes. */
  readonly end: Lsn;
}
