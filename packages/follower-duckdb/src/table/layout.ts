import type { DuckDBValue } from '@duckdb/node-api';
import type { MirroredTable } from '@millrace/follower';
import { type Column, type Relation, relationName } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { quoteName } from '../engine/sql.js';
import { type HeldType, heldTypeOf } from '../values/held-type.js';
import { columnNames, sqlOf, type TableName } from './names.js';

/** One column of a mirrored table as the file has it. */
export interface HeldColumn {
  readonly column: Column;
  /** Quoted. */
  readonly sql: string;
  readonly held: HeldType;
}

/** One version of a mirrored table: how its rows are laid out in the file. Derived from the relation alone. */
export class TableLayout {
  readonly mirrored: MirroredTable;
  readonly place: TableName;
  /** Qualified and quoted. */
  readonly sql: string;
  readonly columns: readonly HeldColumn[];

  constructor(catalog: string, mirrored: MirroredTable, place: TableName) {
    this.mirrored = mirrored;
    this.place = place;
    this.sql = sqlOf(catalog, place);
    const names = columnNames(mirrored.relation.columns);
    this.columns = mirrored.relation.columns.map((column) => ({
      column,
      sql: quoteName(names.get(column.attnum) as string),
      held: heldTypeOf(column.type),
    }));
  }

  get relation(): Relation {
    return this.mirrored.relation;
  }

  get key(): readonly number[] {
    return this.mirrored.relation.key;
  }

  get keyColumns(): readonly HeldColumn[] {
    return this.key.map((index) => this.columns[index] as HeldColumn);
  }

  get columnList(): string {
    return this.columns.map(({ sql }) => sql).join(', ');
  }
}

/** One cell for the engine. Throws MR-5001 for a value DuckDB cannot hold, MR-4006 for a null where none may be. */
export function readCell(
  { column, held }: HeldColumn,
  cell: string | null | undefined,
  relation: Relation,
): DuckDBValue {
  if (typeof cell !== 'string') {
    // DuckDB cannot alter a table with constraints freely, so the leader's NOT NULL is kept here.
    if (column.notNull) {
      throw new Fault('MR-4006', {
        detail: `Column ${column.name} of ${relationName(relation)} must not be null.`,
      });
    }
    return null;
  }
  const value = held.read(cell);
  if (value === undefined) {
    throw new Fault('MR-5001', {
      detail: `A value of column ${column.name} of ${relationName(relation)}, type ${column.type.sql}, cannot be held in DuckDB's ${held.sql}.`,
    });
  }
  return value;
}
