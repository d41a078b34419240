import type { EnvelopeOp } from '@millrace/codec';
import type { MirroredTable, TableBatch } from '@millrace/follower';
import type { Row } from '@millrace/model';

/** One event of a table, its rows in the table's present shape. */
export interface TableEvent {
  readonly op: Exclude<EnvelopeOp, 't'>;
  readonly before: Row | null;
  readonly after: Row | null;
  /** Halves of a key change (event flags 4 and 8). */
  readonly half: 'first' | 'second' | undefined;
}

/**
 * Gathers a table's events and reduces them to what the follower must do: per key the last image, absent cells
 * filled from earlier images of the same batch; per row of a keyless table the net number of copies. Where the order
 * matters (a key change whose new image lacks cells), it closes the batch and begins another.
 */
export interface Coalescer {
  add(event: TableEvent): void;
  /** Takes what has gathered as batches to be written in this order, and starts over. */
  take(): TableBatch[];
  /** Forgets what has gathered: the table is truncated. */
  clear(): void;
  /** Rows held. */
  readonly rows: number;
}

const none: readonly never[] = [];

export const emptyBatch = (table: MirroredTable): TableBatch => ({
  table,
  upserts: none,
  patches: none,
  moves: none,
  deletes: none,
  inserts: none,
  removes: none,
});
