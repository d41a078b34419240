import type { Cell, Relation, Row } from '@millrace/model';

/** Turns a row of one relation version into a row of another. */
export type RowMapping = (row: Row) => Row;

/**
 * Maps rows by attnum, the identity of a column through renames (R37): a column that the old version lacks reads its
 * `missing` value, one that the new version lacks is left out. Undefined when both have the same columns in the same places.
 */
export function rowMapping(from: Relation, to: Relation): RowMapping | undefined {
  const sameOrder =
    from.columns.length === to.columns.length &&
    from.columns.every((column, i) => column.attnum === to.columns[i]?.attnum);
  if (sameOrder) return undefined;
  const sources = to.columns.map((column) => ({
    index: from.columns.findIndex((old) => old.attnum === column.attnum),
    missing: column.missing,
  }));
  return (row) => sources.map(({ index, missing }): Cell => (index < 0 ? missing : row[index]));
}

export const hasAbsent = (row: Row): boolean => row.includes(undefined);

/** `later` over `earlier`: absent cells take the earlier image's (which may be absent as well). */
export function overlay(earlier: Row, later: Row): Row {
  if (!hasAbsent(later)) return later;
  return later.map((cell, i) => (cell === undefined ? earlier[i] : cell));
}

export const keyOf = (row: Row, key: readonly number[]): Row => key.map((index) => row[index]);

/** A text that two keys share only when all their cells are equal. Key cells are never null or absent. */
export function keyText(row: Row, key: readonly number[]): string {
  if (key.length === 1) return row[key[0] as number] as string;
  let text = '';
  for (const index of key) {
    const cell = row[index] as string;
    text += `${cell.length}:${cell}`;
  }
  return text;
}

/** A text that two rows share only when all their cells are equal, nulls included. */
export function rowText(row: Row): string {
  let text = '';
  for (const cell of row) text += cell === null || cell === undefined ? '-' : `${cell.length}:${cell}`;
  return text;
}
