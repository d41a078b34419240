import type { KeyRange } from '@millrace/capture';
import type { Column, ColumnType, Relation } from '@millrace/model';
import { quoteIdentifier, quoteLiteral, quoteQualified, type TableDescription } from '@millrace/postgres';
import { assert } from '@millrace/runtime';

/** What of a published table a read covers. */
export interface ReadableTable {
  readonly relation: Relation;
  readonly description: TableDescription;
  /** The publication's WHERE, as the server prints it. */
  readonly rowFilter: string | undefined;
}

/**
 * FROM clause: a table alone, without those that inherit from it, as pgoutput publishes it; a partitioned table (when
 * it is published as a whole) with its partitions.
 */
function source(table: ReadableTable): string {
  const { json } = table.description;
  const name = quoteQualified(json.schema, json.name);
  return json.kind === 'p' ? name : `ONLY ${name}`;
}

/** Statement of the lock that keeps a table from being rewritten or dropped while it is read. */
export const lockStatement = (table: ReadableTable): string =>
  `LOCK TABLE ${source(table)} IN ACCESS SHARE MODE`;

/** Rows of one range, columns in the relation's order. */
export function selectRange(table: ReadableTable, range: KeyRange, limit?: number): string {
  const { columns } = table.relation;
  const list = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const order = limit === undefined ? '' : ` ${orderBy(table.relation)} LIMIT ${limit}`;
  return `SELECT ${list} FROM ${source(table)}${where(table, range)}${order}`;
}

/** Every `rows`-th key, in key order: the cuts between chunks. */
export function selectCuts(table: ReadableTable, rows: number): string {
  const keys = keyColumns(table.relation).map((column) => quoteIdentifier(column.name));
  const aliases = keys.map((_, i) => `k${i}`);
  const everything: KeyRange = { after: null, upTo: null };
  return `SELECT ${aliases.join(', ')} FROM (
    SELECT ${keys.map((key, i) => `${key} AS k${i}`).join(', ')}, row_number() OVER (${orderBy(table.relation)}) AS place
    FROM ${source(table)}${where(table, everything)}) AS numbered
    WHERE place % ${rows} = 0 ORDER BY place`;
}

const orderBy = (relation: Relation): string => {
  const keys = keyColumns(relation).map(orderedName);
  return keys.length === 0 ? '' : `ORDER BY ${keys.join(', ')}`;
};

function where(table: ReadableTable, range: KeyRange): string {
  const filter = table.rowFilter === undefined ? [] : [`(${table.rowFilter})`];
  const oneKey = range.after !== null && JSON.stringify(range.after) === JSON.stringify(range.upTo);
  if (oneKey) return ` WHERE ${[...filter, compareKey(table.relation, '=', range.after)].join(' AND ')}`;
  const conditions = [
    ...filter,
    ...(range.after === null ? [] : [compareKey(table.relation, '>', range.after)]),
    ...(range.upTo === null ? [] : [compareKey(table.relation, '<=', range.upTo)]),
  ];
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

/** Types whose order depends on a collation. */
const collated = new Set(['text', 'varchar', 'bpchar']);

/**
 * A key column as ranges order it: text by its bytes, whatever the column's collation. A follower deletes what a range
 * of a repair lacks (log-protocol §7) and has neither this server's collations nor its libc, so that a range cut in their order
 * would mean other rows there. The price is that an index in another collation does not serve.
 */
function orderedName(column: Column): string {
  const type = column.type.base ?? column.type;
  const name = quoteIdentifier(column.name);
  return type.schema === 'pg_catalog' && collated.has(type.name) ? `${name} COLLATE "C"` : name;
}

/**
 * A row comparison in the same order as ORDER BY's, so that ranges neither overlap nor leave gaps. Keys hold no NULLs.
 */
function compareKey(relation: Relation, operator: '>' | '<=' | '=', cells: readonly string[]): string {
  const columns = keyColumns(relation);
  assert(columns.length === cells.length && cells.length > 0, 'a key range has a cell per key column');
  // One key is found by its own equality, and through its index.
  const named = operator === '=' ? (column: Column) => quoteIdentifier(column.name) : orderedName;
  const names = columns.map(named).join(', ');
  const values = cells.map((cell, i) => constant(cell, (columns[i] as Column).type)).join(', ');
  return columns.length === 1 ? `${names} ${operator} ${values}` : `(${names}) ${operator} (${values})`;
}

/** A constant of exactly the column's type; the modifier is left out, because a cast to it could cut the value. */
function constant(cell: string, type: ColumnType): string {
  return `${quoteLiteral(cell)}::${quoteQualified(type.schema, type.name)}`;
}

const keyColumns = (relation: Relation): Column[] =>
  relation.key.map((index) => relation.columns[index] as Column);
