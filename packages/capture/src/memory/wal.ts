import type { Lsn, Relation, Row } from '@millrace/model';
import type { SchemaCertainty, Watermark } from '../source.js';
import type { MemoryChange } from './table.js';

/** A committed transaction, as the slot decodes it. In commit order. */
export interface MemoryCommit {
  readonly xid: number;
  /** LSN of the commit record: BEGIN's final LSN. */
  readonly commit: Lsn;
  /** End of the commit record; the LSN of the next record, which may be another transaction's commit. */
  readonly end: Lsn;
  readonly committedAt_us: bigint;
  readonly changes: readonly MemoryChange[];
  readonly marks: readonly Watermark[];
  /** Shapes that this transaction changed. */
  readonly reshapes: readonly Reshape[];
}

export interface Reshape {
  readonly relation: Relation;
  readonly map: (row: Row) => Row;
  /** What the source can tell of it. */
  readonly certainty: SchemaCertainty;
  readonly published: boolean;
}
