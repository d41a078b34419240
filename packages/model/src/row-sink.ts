/**
 * Takes rows cell by cell, in the order of the table's columns, from a source that makes no object of them; the bulk lanes of
 * followers write their own form straight away. A cell means its PostgreSQL text, whichever call brings it.
 */
export interface RowSink {
  null(): void;
  /** The decimal text of a 32-bit signed integer. */
  int(value: number): void;
  /** The decimal text of a 64-bit signed integer, given as two's-complement halves. */
  long(high: number, low: number): void;
  /** UTF-8, `source[from … to)`, already checked; valid during the call only. */
  utf8(source: Uint8Array, from: number, to: number): void;
  text(cell: string): void;
  /** The row is whole. */
  endRow(): void;
  /** Forgets the cells since the last whole row. */
  dropRow(): void;
}
