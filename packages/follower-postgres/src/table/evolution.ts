import type { MirroredTable } from '@millrace/follower';
import type { Column, Relation, SchemaChange } from '@millrace/model';
import {
  type PgSession,
  quoteIdentifier,
  quoteLiteral,
  quoteQualified,
  sqlStateOf,
} from '@millrace/postgres';
import { asFault, Fault } from '@millrace/runtime';
import type { TableEntry } from '../store/entries.js';
import { run } from '../store/sessions.js';
import { columnTypeSql, type HasType, typesToLookUp } from './column-types.js';
import { adoptExisting } from './existing.js';
import { describePlace, placeOf, samePlace, standInName, type TableName } from './names.js';
import { readShape } from './shape.js';

export interface EvolutionPolicy {
  readonly schemas: Readonly<Record<string, string>>;
  readonly existingTables: 'refuse' | 'adopt';
  readonly metaSchema: string;
}

/** Applies schema changes inside the follower's transaction; PostgreSQL rolls DDL back with the rest. */
export class Evolution {
  readonly #session: PgSession;
  readonly #policy: EvolutionPolicy;

  constructor(session: PgSession, policy: EvolutionPolicy) {
    this.#session = session;
    this.#policy = policy;
  }

  /** Where a new or renamed table belongs; MR-4008 when that is among our own tables. */
  place(relation: Relation): TableName {
    const place = placeOf(relation, this.#policy.schemas);
    if (place.schema === this.#policy.metaSchema) {
      throw new Fault('MR-4008', {
        detail: `Table ${describePlace(place)} would stand among Millrace's own tables.`,
        remedy: 'Map the leader’s schema to another name, or choose another `meta_schema` for this follower.',
      });
    }
    return place;
  }

  /** Leaves an empty table at `place`. `ours`: what we mirrored under this topic before. */
  async create(table: MirroredTable, place: TableName, ours: TableEntry | undefined): Promise<void> {
    const { relation } = table;
    const doing = `creating ${describePlace(place)}`;
    const unchanged =
      ours !== undefined &&
      samePlace(ours.place, place) &&
      sameShape(ours.mirrored.relation, relation) &&
      (await readShape(this.#session, place)) !== undefined;
    if (unchanged) {
      // Keeps the grants and indexes that users gave the table.
      await this.#ddl(doing, `TRUNCATE ${sqlOf(place)}`);
      return;
    }
    if (ours) await this.#ddl(doing, `DROP TABLE IF EXISTS ${sqlOf(ours.place)}`);
    await this.#ddl(doing, `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(place.schema)}`);
    if (await adoptExisting(this.#session, relation, place, this.#policy.existingTables)) return;
    const has = await this.#typeLookup(relation.columns);
    const columns = relation.columns.map(
      (column) =>
        `${quoteIdentifier(column.name)} ${columnTypeSql(column.type, has)}${column.notNull ? ' NOT NULL' : ''}`,
    );
    const key = relation.key.length > 0 ? [`PRIMARY KEY (${keyNames(relation)})`] : [];
    await this.#ddl(doing, `CREATE TABLE ${sqlOf(place)} (${[...columns, ...key].join(', ')})`);
  }

  /** Moves a table to another place; another table of ours there must have been set aside before. */
  async rename(from: TableName, to: TableName): Promise<void> {
    const doing = `renaming ${describePlace(from)} to ${describePlace(to)}`;
    if (await readShape(this.#session, to)) {
      throw new Fault('MR-4008', {
        detail: `${describePlace(from)} cannot become ${describePlace(to)}: a table of that name exists in the follower.`,
        remedy: 'Rename or drop the table in the way, then start again.',
      });
    }
    let at = from;
    if (from.schema !== to.schema) {
      await this.#ddl(doing, `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(to.schema)}`);
      // By way of a name that is free in both schemas.
      const standIn = standInName(describePlace(from));
      await this.#ddl(doing, `ALTER TABLE ${sqlOf(from)} RENAME TO ${quoteIdentifier(standIn)}`);
      at = { schema: to.schema, name: standIn };
      await this.#ddl(
        doing,
        `ALTER TABLE ${sqlOf({ schema: from.schema, name: standIn })} SET SCHEMA ${quoteIdentifier(to.schema)}`,
      );
    }
    if (at.name !== to.name)
      await this.#ddl(doing, `ALTER TABLE ${sqlOf(at)} RENAME TO ${quoteIdentifier(to.name)}`);
  }

  async drop(place: TableName): Promise<void> {
    await this.#ddl(`dropping ${describePlace(place)}`, `DROP TABLE IF EXISTS ${sqlOf(place)}`);
  }

  /** Turns the columns and key of the table at `place` into those of `relation`. */
  async alter(place: TableName, relation: Relation, changes: readonly SchemaChange[]): Promise<void> {
    const doing = `altering ${describePlace(place)}`;
    const table = `ALTER TABLE ${sqlOf(place)}`;
    const newKey = changes.some((change) => change.kind === 'change-key');
    // First, so that its columns may become nullable.
    if (newKey) await this.#dropKey(place);
    for (const change of changes) {
      if (change.kind === 'drop-column')
        await this.#ddl(doing, `${table} DROP COLUMN IF EXISTS ${quoteIdentifier(change.column.name)}`);
    }
    await this.#renameColumns(table, doing, changes);
    const has = await this.#typeLookup(relation.columns);
    for (const change of changes) {
      if (change.kind === 'add-column') await this.#addColumn(table, doing, change.column, has);
      else if (change.kind === 'retype-column') await this.#retype(table, doing, change.column, has);
      else if (change.kind === 'change-nullability') await this.#setNullability(table, doing, change.column);
    }
    if (newKey && relation.key.length > 0) {
      await this.#ddl(doing, `${table} ADD PRIMARY KEY (${keyNames(relation)})`);
    }
  }

  /** By way of stand-in names, because columns may swap theirs. */
  async #renameColumns(table: string, doing: string, changes: readonly SchemaChange[]): Promise<void> {
    const renames = changes.filter((change) => change.kind === 'rename-column');
    const rename = (from: string, to: string): Promise<void> =>
      this.#ddl(doing, `${table} RENAME COLUMN ${quoteIdentifier(from)} TO ${quoteIdentifier(to)}`);
    if (renames.length === 1) {
      const [only] = renames;
      if (only) await rename(only.from, only.column.name);
      return;
    }
    for (const { from } of renames) await rename(from, standInName(from));
    for (const { from, column } of renames) await rename(standInName(from), column.name);
  }

  /** The default fills old rows without rewriting the table, and is dropped at once: new rows bring their own value. */
  async #addColumn(table: string, doing: string, column: Column, has: HasType): Promise<void> {
    const name = quoteIdentifier(column.name);
    const filled = column.missing === null ? '' : ` DEFAULT ${quoteLiteral(column.missing)}`;
    await this.#ddl(doing, `${table} ADD COLUMN ${name} ${columnTypeSql(column.type, has)}${filled}`);
    if (filled !== '') await this.#ddl(doing, `${table} ALTER COLUMN ${name} DROP DEFAULT`);
    if (column.notNull) await this.#setNullability(table, doing, column);
  }

  /** The leader's own conversion where there is one (no rewrite when it only widens), else through text. */
  async #retype(table: string, doing: string, column: Column, has: HasType): Promise<void> {
    const name = quoteIdentifier(column.name);
    const type = columnTypeSql(column.type, has);
    const plainly = await this.#attempt(doing, `${table} ALTER COLUMN ${name} TYPE ${type}`, [
      '42804',
      '42846',
    ]);
    if (!plainly)
      await this.#ddl(doing, `${table} ALTER COLUMN ${name} TYPE ${type} USING ${name}::text::${type}`);
  }

  /**
   * A column that must not be null on the leader may hold nulls here while old rows wait for repair (R38): it then stays
   * nullable, as the leader alone decides what is valid.
   */
  async #setNullability(table: string, doing: string, column: Column): Promise<void> {
    const verb = column.notNull ? 'SET' : 'DROP';
    const sql = `${table} ALTER COLUMN ${quoteIdentifier(column.name)} ${verb} NOT NULL`;
    if (column.notNull) await this.#attempt(doing, sql, ['23502']);
    else await this.#ddl(doing, sql);
  }

  async #dropKey(place: TableName): Promise<void> {
    const shape = await readShape(this.#session, place);
    if (!shape?.primaryKey) return;
    await this.#ddl(
      `dropping the key of ${describePlace(place)}`,
      `ALTER TABLE ${sqlOf(place)} DROP CONSTRAINT ${quoteIdentifier(shape.primaryKey)}`,
    );
  }

  async #ddl(doing: string, text: string): Promise<void> {
    try {
      await run(this.#session, doing, { text });
    } catch (error) {
      const fault = asFault(error);
      // The store refuses the change itself: an operator decides, the connection is well.
      if (fault?.code === 'MR-4006' || fault?.code === 'MR-5001')
        throw new Fault('MR-4008', { detail: fault.detail, cause: error });
      throw error;
    }
  }

  /** False, with nothing changed, when the server answers with one of `states`. */
  async #attempt(doing: string, text: string, states: readonly string[]): Promise<boolean> {
    await this.#session.query(doing, 'SAVEPOINT millrace_attempt');
    try {
      await this.#session.query(doing, text);
    } catch (error) {
      if (!states.includes(sqlStateOf(error) ?? '')) throw error;
      await this.#session.query(doing, 'ROLLBACK TO SAVEPOINT millrace_attempt');
      return false;
    }
    await this.#session.query(doing, 'RELEASE SAVEPOINT millrace_attempt');
    return true;
  }

  /** Which of the columns' types this server has: an older one lacks some, and extensions may be missing. */
  async #typeLookup(columns: readonly Column[]): Promise<HasType> {
    const wanted = typesToLookUp(columns.map((column) => column.type));
    if (wanted.length === 0) return () => false;
    const list = [
      ...new Set(wanted.map(({ schema, name }) => `(${quoteLiteral(schema)}, ${quoteLiteral(name)})`)),
    ];
    const { rows } = await run(this.#session, 'looking up types', {
      text: `SELECT n.nspname, t.typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
             WHERE (n.nspname, t.typname) IN (${list.join(', ')})`,
    });
    const present = new Set(rows.map(([schema, name]) => JSON.stringify([schema, name])));
    return (schema, name) => present.has(JSON.stringify([schema, name]));
  }
}

const sqlOf = (place: TableName): string => quoteQualified(place.schema, place.name);

const keyNames = (relation: Relation): string =>
  relation.key.map((index) => quoteIdentifier((relation.columns[index] as Column).name)).join(', ');

const sameShape = (a: Relation, b: Relation): boolean =>
  JSON.stringify([a.columns, a.key]) === JSON.stringify([b.columns, b.key]);
