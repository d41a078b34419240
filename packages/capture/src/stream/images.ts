import { cellAbsent, type Relation, type RowImage } from '@millrace/model';

const none = new Uint8Array(0);

/** The bitmap of absent columns as the event header carries it: one bit per column, lowest first; empty when all are present. */
export function absentBitmap(image: RowImage): Uint8Array {
  const { columns, length } = image;
  let bitmap = none;
  for (let i = 0; i < columns; i++) {
    if (length[i] !== cellAbsent) continue;
    if (bitmap.length === 0) bitmap = new Uint8Array((columns + 7) >> 3);
    bitmap[i >> 3] = (bitmap[i >> 3] as number) | (1 << (i & 7));
  }
  return bitmap;
}

export function hasAbsent({ columns, length }: RowImage): boolean {
  for (let i = 0; i < columns; i++) if (length[i] === cellAbsent) return true;
  return false;
}

export function sameCell(a: RowImage, b: RowImage, column: number): boolean {
  const size = a.length[column] as number;
  if (size !== b.length[column]) return false;
  if (size <= 0) return true;
  const from = a.offset[column] as number;
  const other = b.offset[column] as number;
  for (let i = 0; i < size; i++) if (a.bytes[from + i] !== b.bytes[other + i]) return false;
  return true;
}

/** Whether an update moved the row to another key. An absent key cell is unchanged. */
export function keyChanged(relation: Relation, before: RowImage, after: RowImage): boolean {
  for (const column of relation.key)
    if (after.length[column] !== cellAbsent && !sameCell(before, after, column)) return true;
  return false;
}

/**
 * The new row with absent cells taken from the old one where it has them: of a full old row every cell, else those of the key.
 * Returns `after` itself when nothing is to be filled. NULL fills nothing: a value that an update spared is never NULL, so that a
 * full old row with NULL there is not what it says it is (a partition's key alone, under the name of a root with more identity).
 */
export function fillAbsent(
  relation: Relation,
  before: RowImage,
  beforeIsFull: boolean,
  after: RowImage,
): RowImage {
  let filled: RowImage | undefined;
  for (let i = 0; i < after.columns; i++) {
    if (after.length[i] !== cellAbsent || (before.length[i] as number) < 0) continue;
    if (!beforeIsFull && !relation.key.includes(i)) continue;
    filled ??= overBoth(before, after);
    const shift = filled.bytes === after.bytes ? 0 : after.bytes.length;
    filled.offset[i] = (before.offset[i] as number) + shift;
    filled.length[i] = before.length[i] as number;
  }
  return filled ?? after;
}

/** An image over the bytes of both rows: mostly they share the network's buffer. */
function overBoth(before: RowImage, after: RowImage): RowImage {
  const bytes = before.bytes === after.bytes ? after.bytes : Buffer.concat([after.bytes, before.bytes]);
  return {
    columns: after.columns,
    bytes,
    offset: after.offset.slice(0, after.columns),
    length: after.length.slice(0, after.columns),
  };
}
