import type { Column, ColumnType, Relation } from './relation.js';

/**
 * Whether events of `b` can go under the relation version of `a`: same table, columns, types and identity. What a column's
 * missing value is does not matter to events.
 */
export function sameRelation(a: Relation, b: Relation): boolean {
  return (
    a.id === b.id &&
    a.schema === b.schema &&
    a.name === b.name &&
    a.identity === b.identity &&
    sameList(a.key, b.key, (x, y) => x === y) &&
    sameList(a.columns, b.columns, sameColumn)
  );
}

const sameColumn = (a: Column, b: Column): boolean =>
  a.attnum === b.attnum &&
  a.name === b.name &&
  a.notNull === b.notNull &&
  a.generated === b.generated &&
  sameType(a.type, b.type);

function sameType(a: ColumnType | undefined, b: ColumnType | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.oid === b.oid &&
    a.schema === b.schema &&
    a.name === b.name &&
    a.kind === b.kind &&
    a.typmod === b.typmod &&
    a.sql === b.sql &&
    sameType(a.element, b.element) &&
    sameType(a.base, b.base) &&
    sameList(a.labels ?? [], b.labels ?? [], (x, y) => x === y)
  );
}

const sameList = <T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean =>
  a.length === b.length && a.every((each, i) => same(each, b[i] as T));
