/** `length[i]` of a NULL cell. */
export const cellNull = -1;
/** `length[i]` of an absent cell: an unchanged TOAST value that the leader did not send. Not a value, not NULL. */
export const cellAbsent = -2;

/**
 * A row as the leader sent it: for column i the UTF-8 bytes of PostgreSQL's text form at
 * `bytes[offset[i] … offset[i] + length[i])`, or `cellNull` / `cellAbsent` as its length.
 * Text form means: DateStyle ISO, IntervalStyle postgres, extra_float_digits 1, bytea_output hex, TimeZone UTC.
 *
 * A flyweight: sources reuse one image for every event, and `bytes` may be the network's buffer. It is valid only
 * during the call that hands it over. Copy what must live longer (`copyRowImage`).
 */
export interface RowImage {
  /** Number of columns in use; the arrays may be longer. */
  columns: number;
  bytes: Uint8Array;
  offset: Int32Array;
  length: Int32Array;
}

export function emptyRowImage(capacity = 32): RowImage {
  return {
    columns: 0,
    bytes: new Uint8Array(0),
    offset: new Int32Array(capacity),
    length: new Int32Array(capacity),
  };
}

/** A cell for people and stores: PostgreSQL text, null, or undefined when absent. */
export type Cell = string | null | undefined;

/** One row, a cell per column of its relation version. */
export type Row = readonly Cell[];

/** Copies an image so that it outlives the call. */
export function copyRowImage(image: RowImage): RowImage {
  let total = 0;
  for (let i = 0; i < image.columns; i++) total += Math.max(0, image.length[i] as number);
  const bytes = Buffer.allocUnsafe(total);
  const offset = new Int32Array(image.columns);
  const length = new Int32Array(image.columns);
  let at = 0;
  for (let i = 0; i < image.columns; i++) {
    const size = image.length[i] as number;
    offset[i] = at;
    length[i] = size;
    if (size > 0) {
      const from = image.offset[i] as number;
      bytes.set(image.bytes.subarray(from, from + size), at);
      at += size;
    }
  }
  return { columns: image.columns, bytes, offset, length };
}

/** Builds an image from cells; for tests, snapshots of stores, and reference implementations. */
export function rowImageOf(row: Row): RowImage {
  const parts = row.map((cell) => (typeof cell === 'string' ? Buffer.from(cell, 'utf8') : undefined));
  const offset = new Int32Array(row.length);
  const length = new Int32Array(row.length);
  let at = 0;
  parts.forEach((part, i) => {
    offset[i] = at;
    length[i] = part ? part.length : row[i] === null ? cellNull : cellAbsent;
    at += part?.length ?? 0;
  });
  return {
    columns: row.length,
    bytes: Buffer.concat(parts.filter((part) => part !== undefined)),
    offset,
    length,
  };
}

/** Reads an image into cells. */
export function rowOf(image: RowImage): Cell[] {
  const bytes = Buffer.from(image.bytes.buffer, image.bytes.byteOffset, image.bytes.byteLength);
  const row = new Array<Cell>(image.columns);
  for (let i = 0; i < image.columns; i++) {
    const size = image.length[i] as number;
    const from = image.offset[i] as number;
    row[i] = size >= 0 ? bytes.toString('utf8', from, from + size) : size === cellNull ? null : undefined;
  }
  return row;
}
