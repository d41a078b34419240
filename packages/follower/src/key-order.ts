import { Buffer } from 'node:buffer';
import {
  type Cell,
  type Column,
  type ColumnType,
  hasPortableOrder,
  type Relation,
  type Row,
  relationName,
} from '@millrace/model';
import { Fault } from '@millrace/runtime';

/**
 * The order of keys that every follower agrees on: numbers by value, everything else by the bytes of its text
 * (PostgreSQL's "C" collation). A leader's own collation cannot be had in other engines, nor in another libc.
 */
export type KeyComparison = (a: Row, b: Row) => number;

const integers = new Set(['int2', 'int4', 'int8', 'oid']);

/**
 * MR-4008 when a key column's order differs between stores, so that a range of them (an end that is not open) cannot be told.
 * `isShared` names columns that this store orders as the leader does, beyond the portable ones.
 */
export function refuseUnorderedRange(
  relation: Relation,
  isShared: (column: Column) => boolean = () => false,
): void {
  for (const index of relation.key) {
    const column = relation.columns[index] as Column;
    if (hasPortableOrder(column.type) || isShared(column)) continue;
    throw new Fault('MR-4008', {
      detail: `${relationName(relation)} cannot be repaired in ranges: keys of type ${column.type.sql} are not ordered here as on the leader.`,
      remedy:
        'Drop the table in the follower and run `millrace resync <follower>`: it is then read into an empty table.',
    });
  }
}

/** Compares rows of key cells (in key order) of `relation`. */
export function keyComparison(relation: Relation): KeyComparison {
  const cells = relation.key.map((index) => cellComparison((relation.columns[index] as Column).type));
  return (a, b) => {
    for (let i = 0; i < cells.length; i++) {
      const order = (cells[i] as CellComparison)(a[i], b[i]);
      if (order !== 0) return order;
    }
    return 0;
  };
}

type CellComparison = (a: Cell, b: Cell) => number;

function cellComparison(type: ColumnType): CellComparison {
  const basis = type.base ?? type;
  const numeric = basis.kind === 'base' && (integers.has(basis.name) || basis.name === 'numeric');
  return nullsLast(numeric ? compareDecimals : compareBytes);
}

const nullsLast =
  (compare: (a: string, b: string) => number): CellComparison =>
  (a, b) => {
    if (typeof a !== 'string') return typeof b === 'string' ? 1 : 0;
    return typeof b === 'string' ? compare(a, b) : -1;
  };

const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const rank = (text: string): number =>
  text === 'NaN' ? 3 : text === 'Infinity' ? 2 : text === '-Infinity' ? 0 : 1;

/** Exact comparison of decimal texts of any length, with NaN above all as PostgreSQL has it. */
export function compareDecimals(a: string, b: string): number {
  const ranks = rank(a) - rank(b);
  if (ranks !== 0 || rank(a) !== 1) return ranks;
  const fraction = Math.max(fractionDigits(a), fractionDigits(b));
  const left = scaled(a, fraction);
  const right = scaled(b, fraction);
  return left < right ? -1 : left > right ? 1 : 0;
}

const fractionDigits = (text: string): number => {
  const dot = text.indexOf('.');
  return dot < 0 ? 0 : text.length - dot - 1;
};

const scaled = (text: string, fraction: number): bigint =>
  BigInt(text.replace('.', '') + '0'.repeat(fraction - fractionDigits(text)));

/** A range that means exactly one row: both of its ends are the same key. */
export function isOneKey(after: Row | null, upTo: Row | null): after is Row {
  return after !== null && upTo !== null && JSON.stringify(after) === JSON.stringify(upTo);
}
