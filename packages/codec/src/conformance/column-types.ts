import type { Column, ColumnType, Relation } from '@millrace/model';

/** Column types as a catalogue would describe them, for tests that need no server. Object ids are not looked at by codecs. */
const noOid = 0;

export function baseType(name: string, more: Partial<ColumnType> = {}): ColumnType {
  return { oid: noOid, schema: 'pg_catalog', name, kind: 'base', typmod: -1, sql: name, ...more };
}

export function arrayType(element: ColumnType): ColumnType {
  return baseType(`_${element.name}`, {
    kind: 'array',
    schema: element.schema,
    sql: `${element.sql}[]`,
    typmod: element.typmod,
    element,
  });
}

/** numeric(precision, scale): typmod as PostgreSQL packs it. */
export const numericType = (precision: number, scale: number): ColumnType =>
  baseType('numeric', {
    typmod: ((precision << 16) | (scale & 0x7ff)) + 4,
    sql: `numeric(${precision},${scale})`,
  });

export const columnOf = (
  attnum: number,
  name: string,
  type: ColumnType,
  more: Partial<Column> = {},
): Column => ({ attnum, name, type, notNull: false, generated: false, missing: null, ...more });

/** A table `public.<name>` keyed by its first column. */
export function tableOf(columns: readonly Column[], more: Partial<Relation> = {}): Relation {
  return { id: 16_385, schema: 'public', name: 'values', columns, identity: 'default', key: [0], ...more };
}
