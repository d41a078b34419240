import type { Row } from '@millrace/model';
import type { Engine } from '../engine/engine.js';
import { quoteName, quoteText } from '../engine/sql.js';
import { append } from '../rows/stage.js';
import type { HeldColumn, TableLayout } from './layout.js';
import { sqlOf, standInName, type TableName } from './names.js';

/** Rows carried at a time where values must be read and written anew. */
const rowsPerStep = 20_000n;

/** Casts that DuckDB does exactly as PostgreSQL would, by the held types' SQL. */
function castsExactly(from: HeldColumn, to: HeldColumn): boolean {
  const integers = ['SMALLINT', 'INTEGER', 'BIGINT'];
  const a = from.held.sql;
  const b = to.held.sql;
  const wholes = integers.includes(a) || a === 'UINTEGER';
  if (integers.includes(a) && integers.includes(b)) return integers.indexOf(a) <= integers.indexOf(b);
  if (a === 'UINTEGER') return b === 'BIGINT' || b === 'VARCHAR';
  return (wholes || a.startsWith('DECIMAL')) && b === 'VARCHAR';
}

/** Changes tables inside the follower's transaction; DuckDB rolls DDL back with the rest. */
export class Evolution {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** An empty table of the layout's shape. Its place must be free. */
  async create(table: TableLayout): Promise<void> {
    const columns = table.columns.map(({ sql, held }) => `${sql} ${held.sql}`);
    await this.#ddl(
      table,
      `CREATE SCHEMA IF NOT EXISTS ${this.#engine.catalog}.${quoteName(table.place.schema)}`,
    );
    await this.#ddl(table, `CREATE TABLE ${table.sql} (${columns.join(', ')})`);
  }

  async drop(table: TableLayout): Promise<void> {
    await this.#ddl(table, `DROP TABLE IF EXISTS ${table.sql}`);
  }

  /** True when a table or view stands at `place`. */
  async exists(place: TableName): Promise<boolean> {
    const result = await this.#engine.query(
      `looking for ${place.schema}.${place.name}`,
      `SELECT count(*) FROM (SELECT database_name, schema_name, table_name AS name FROM duckdb_tables()
         UNION ALL SELECT database_name, schema_name, view_name FROM duckdb_views())
       WHERE database_name = current_database() AND lower(schema_name) = lower(${quoteText(place.schema)})
         AND lower(name) = lower(${quoteText(place.name)})`,
    );
    const rows = await result.getRows();
    return rows[0]?.[0] !== 0n;
  }

  /**
   * Turns `from` into `to`. In place where DuckDB can; else by building the table anew beside itself: after rows were deleted in
   * the same transaction (`touched`) DuckDB refuses to alter a table, and some conversions are ours.
   */
  async alter(from: TableLayout, to: TableLayout, touched: boolean): Promise<void> {
    const moves = from.sql !== to.sql;
    const kept = to.columns.map((column) => [column, sameColumn(from, column)] as const);
    const conversions = kept.some(
      ([column, was]) => was && was.held.sql !== column.held.sql && !castsExactly(was, column),
    );
    if (conversions) {
      await this.#carryOver(from, to);
      return;
    }
    const shapeChanges =
      from.columns.length !== to.columns.length ||
      kept.some(([column, was]) => !was || was.sql !== column.sql || was.held.sql !== column.held.sql);
    if (!shapeChanges && !moves) return;
    const noneKept = kept.every(([, was]) => !was);
    const computed = kept.some(
      ([{ column, held }, was]) =>
        !was && column.missing !== null && held.constant(column.missing) === undefined,
    );
    if (touched || noneKept || computed || (moves && from.place.schema !== to.place.schema)) {
      await this.#rebuild(from, to);
      return;
    }
    if (shapeChanges) await this.#alterInPlace(from, to);
    if (moves) await this.#ddl(to, `ALTER TABLE ${from.sql} RENAME TO ${quoteName(to.place.name)}`);
  }

  async #alterInPlace(from: TableLayout, to: TableLayout): Promise<void> {
    const table = `ALTER TABLE ${from.sql}`;
    for (const was of from.columns) {
      if (!sameColumn(to, was)) await this.#ddl(to, `${table} DROP COLUMN ${was.sql}`);
    }
    await this.#renameColumns(table, from, to);
    for (const column of to.columns) {
      const was = sameColumn(from, column);
      if (!was) await this.#addColumn(table, to, column);
      else if (was.held.sql !== column.held.sql) {
        await this.#ddl(to, `${table} ALTER COLUMN ${column.sql} SET DATA TYPE ${column.held.sql}`);
      }
    }
  }

  /** By way of stand-in names, because columns may exchange theirs. */
  async #renameColumns(table: string, from: TableLayout, to: TableLayout): Promise<void> {
    const renames = to.columns.flatMap((column) => {
      const was = sameColumn(from, column);
      return was && was.sql !== column.sql
        ? [{ was: was.sql, standIn: quoteName(standInName(was.sql)), now: column.sql }]
        : [];
    });
    for (const { was, standIn } of renames)
      await this.#ddl(to, `${table} RENAME COLUMN ${was} TO ${standIn}`);
    for (const { standIn, now } of renames)
      await this.#ddl(to, `${table} RENAME COLUMN ${standIn} TO ${now}`);
  }

  async #addColumn(table: string, to: TableLayout, { column, held, sql }: HeldColumn): Promise<void> {
    const { missing } = column;
    await this.#ddl(
      to,
      `${table} ADD COLUMN ${sql} ${held.sql}${missing === null ? '' : ` DEFAULT ${held.constant(missing)}`}`,
    );
    if (missing !== null) await this.#ddl(to, `${table} ALTER COLUMN ${sql} DROP DEFAULT`);
  }

  /** The table anew under its new shape and place, by one query. */
  async #rebuild(from: TableLayout, to: TableLayout): Promise<void> {
    const cells = to.columns.map(
      (column) => `CAST(${cellIn(from, column)} AS ${column.held.sql}) AS ${column.sql}`,
    );
    const aside = { schema: to.place.schema, name: standInName(to.mirrored.topic) };
    const standIn = sqlOf(this.#engine.catalog, aside);
    await this.#ddl(to, `CREATE SCHEMA IF NOT EXISTS ${this.#engine.catalog}.${quoteName(to.place.schema)}`);
    await this.#ddl(to, `CREATE TABLE ${standIn} AS SELECT ${cells.join(', ')} FROM ${from.sql}`);
    await this.drop(from);
    await this.#ddl(to, `ALTER TABLE ${standIn} RENAME TO ${quoteName(to.place.name)}`);
  }

  /**
   * The table anew, value by value: PostgreSQL's text of the old value is read as the new type, as
   * `ALTER … TYPE t USING c::text::t` would. A value that does not fit is MR-5001.
   */
  async #carryOver(from: TableLayout, to: TableLayout): Promise<void> {
    const aside = { schema: to.place.schema, name: standInName(to.mirrored.topic) };
    const standIn = sqlOf(this.#engine.catalog, aside);
    await this.#ddl(to, `CREATE SCHEMA IF NOT EXISTS ${this.#engine.catalog}.${quoteName(to.place.schema)}`);
    await this.#ddl(
      to,
      `CREATE TABLE ${standIn} (${to.columns.map(({ sql, held }) => `${sql} ${held.sql}`).join(', ')})`,
    );
    for (const at of await this.#rowRanges(from)) {
      const rows = await this.#textRows(from, at, at + rowsPerStep);
      const columns = to.columns.map((column) => {
        const index = from.columns.findIndex((was) => was.column.attnum === column.column.attnum);
        const { missing } = column.column;
        return {
          ...column,
          name: column.sql,
          cell: (i: number) => (index < 0 ? missing : (rows[i] as Row)[index]),
        };
      });
      await append(
        this.#engine,
        { table: aside.name, schema: aside.schema },
        columns,
        rows.length,
        to.relation,
      );
    }
    await this.drop(from);
    await this.#ddl(to, `ALTER TABLE ${standIn} RENAME TO ${quoteName(to.place.name)}`);
  }

  /** Where ranges of `rowsPerStep` row ids begin that hold rows; those of the present transaction have far larger ids. */
  async #rowRanges(table: TableLayout): Promise<bigint[]> {
    const sql = `SELECT DISTINCT rowid // ${rowsPerStep} FROM ${table.sql} ORDER BY 1`;
    const rows = await (await this.#engine.query('counting rows', sql)).getRows();
    return rows.map(([step]) => (step as bigint) * rowsPerStep);
  }

  async #textRows(table: TableLayout, from: bigint, to: bigint): Promise<Row[]> {
    const sql = `SELECT ${table.columnList} FROM ${table.sql} WHERE rowid >= ${from} AND rowid < ${to}`;
    const rows = await (await this.#engine.query('reading rows', sql)).getRows();
    return rows.map((cells) =>
      cells.map((value, i) => (value === null ? null : (table.columns[i] as HeldColumn).held.write(value))),
    );
  }

  async #ddl(table: TableLayout, sql: string): Promise<void> {
    await this.#engine.write(`changing the shape of ${table.place.schema}.${table.place.name}`, sql);
  }
}

const sameColumn = (table: TableLayout, column: HeldColumn): HeldColumn | undefined =>
  table.columns.find((one) => one.column.attnum === column.column.attnum);

/** A column's value in the old table: the old column, or what rows older than the column read as. */
function cellIn(from: TableLayout, column: HeldColumn): string {
  const was = sameColumn(from, column);
  if (was) return was.sql;
  return column.column.missing === null ? 'NULL' : column.held.literal(column.column.missing);
}
