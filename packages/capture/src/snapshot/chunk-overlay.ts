import type { Row, RowImage } from '@millrace/model';

/** A change of the table during the window, as cells. */
export interface WindowChange {
  readonly xid: number;
  readonly op: 'insert' | 'update' | 'delete' | 'truncate';
  /** Old row: of a keyed table at least its key; of another the whole row. Undefined when the key did not change. */
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/**
 * What the window's unseen changes make of the rows that were read, laid over them while they stream by: every row goes through
 * `onto` once, in any order, then `added` tells what comes besides. Its memory is that of the changes, whatever the table's size.
 */
export interface ChunkOverlay {
  /** The row as of HIGH: the image itself, another, or undefined when it is left out. */
  onto(image: RowImage): RowImage | undefined;
  /** Rows that were not among those read. */
  added(): Iterable<Row>;
  /**
   * Keys (see `rowKey`) that have to be among the rows read, because they have values that the window's events lack. One that is
   * not there makes the chunk incomplete.
   */
  readonly awaited: ReadonlySet<string>;
  /** Key of a row that was read, as in `awaited`. */
  rowKey(image: RowImage): string;
}

/** A row of the range needs a value that neither the read nor the window holds: read again. */
export interface IncompleteChunk {
  readonly incomplete: string;
}
