import { Buffer } from 'node:buffer';
import type { Cell, Column, ColumnType, Relation, Row } from '@millrace/model';

/**
 * The order of keys that every follower agrees on: numbers by value, everything else by the bytes of its text
 * (PostgreSQL's "C" collation). A leader's own collation cannot be had in other engines, nor in another libc.
 */
export type KeyComparison = (a: Row, b: Row) => number;

const integers = new Set(['int2', 'int4', 'int8', 'oid']);
const byText = new Set(['text', 'varchar', 'name', 'uuid', 'bytea', 'bool']);
const byTime = new Set(['date', 'timestamp', 'timestamptz']);

/**
 * True when every follower orders this type alike, so that a range of its keys means the same rows everywhere. Ranges of
 * other keys (deleteRange) must be open at both ends.
 */
export function hasPortableOrder(type: ColumnType): boolean {
  const basis = type.base ?? type;
  if (basis.kind !== 'base' || basis.schema !== 'pg_catalog') return false;
  return (
    integers.has(basis.name) || basis.name === 'numeric' || byText.has(basis.name) || byTime.has(basis.name)
  );
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
