import type { Column, ColumnType, Relation } from './relation.js';

const integers = new Set(['int2', 'int4', 'int8', 'oid']);
const byText = new Set(['text', 'varchar', 'name', 'uuid', 'bytea', 'bool']);
const byTime = new Set(['date', 'timestamp', 'timestamptz']);

/**
 * True when leader and every follower order this type alike (numbers by value, the rest by the bytes of its text), so that a range
 * of its keys means the same rows everywhere. Ranges of other keys must be open at both ends, or hold one key.
 */
export function hasPortableOrder(type: ColumnType): boolean {
  const basis = type.base ?? type;
  if (basis.kind !== 'base' || basis.schema !== 'pg_catalog') return false;
  return (
    integers.has(basis.name) || basis.name === 'numeric' || byText.has(basis.name) || byTime.has(basis.name)
  );
}

/** Whether a table can be read and replaced in ranges: it has a key, and every column of it a portable order. */
export const hasPortableKey = ({ key, columns }: Relation): boolean =>
  key.length > 0 && key.every((index) => hasPortableOrder((columns[index] as Column).type));
