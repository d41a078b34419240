import { keyComparison, refuseUnorderedRange } from '@millrace/follower';
import type { Row } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { Engine } from '../engine/engine.js';
import type { HeldColumn, TableLayout } from '../table/layout.js';

export interface KeyRange {
  readonly after: Row | null;
  readonly upTo: Row | null;
}

/** Conditions on `t` for after < key ≤ upTo, when DuckDB orders the key's types as keys are everywhere. */
export function rangeConditions(table: TableLayout, range: KeyRange): string[] {
  const conditions: string[] = [];
  if (range.after) conditions.push(beyond(table, range.after));
  // key ≤ upTo is the opposite of key > upTo; keys hold no nulls.
  if (range.upTo) conditions.push(`NOT ${beyond(table, range.upTo)}`);
  return conditions;
}

/** (a, b) > (x, y), cell by cell: DuckDB's own comparison of rows prunes less. */
function beyond(table: TableLayout, key: Row): string {
  const columns = table.keyColumns;
  const literals = columns.map((column, at) => column.held.literal(cellOf(key, at)));
  const steps = columns.map((column, at) => {
    const equal = columns.slice(0, at).map((one, i) => `t.${one.sql} = ${literals[i]}`);
    return `(${[...equal, `t.${column.sql} > ${literals[at]}`].join(' AND ')})`;
  });
  return `(${steps.join(' OR ')})`;
}

/** The row with exactly this key. */
export function keyCondition(table: TableLayout, key: Row): string {
  const cells = table.keyColumns.map(
    (column, at) => `t.${column.sql} = ${column.held.literal(cellOf(key, at))}`,
  );
  return `(${cells.join(' AND ')})`;
}

function cellOf(key: Row, at: number): string {
  const cell = key[at];
  if (typeof cell !== 'string')
    throw new Fault('MR-9001', { detail: 'a key range ends at a cell without a value' });
  return cell;
}

export const ordersNatively = (table: TableLayout): boolean =>
  table.keyColumns.every(({ held }) => held.ordered);

/**
 * Keys within the range that DuckDB cannot compare itself (numbers held as text): read and compared here. Keys whose order
 * no two stores share cannot be cut into ranges at all.
 */
export async function keysInRange(engine: Engine, table: TableLayout, range: KeyRange): Promise<Row[]> {
  refuseUnorderedRange(table.relation);
  const compare = keyComparison(table.relation);
  const columns = table.keyColumns.map(({ sql }) => sql).join(', ');
  const rows = await (await engine.query('reading keys', `SELECT ${columns} FROM ${table.sql}`)).getRows();
  return rows
    .map((cells) =>
      cells.map((value, i) =>
        value === null ? null : (table.keyColumns[i] as HeldColumn).held.write(value),
      ),
    )
    .filter(
      (key) =>
        (!range.after || compare(key, range.after) > 0) && (!range.upTo || compare(key, range.upTo) <= 0),
    );
}
