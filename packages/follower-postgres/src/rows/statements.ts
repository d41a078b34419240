import { createHash } from 'node:crypto';
import type { Column, Relation } from '@millrace/model';
import { quoteIdentifier, quoteQualified } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import type { Statement } from '../store/sessions.js';
import { castName } from '../table/column-types.js';
import { describePlace, type TableName } from '../table/names.js';
import type { ShapeColumn, TableShape } from '../table/shape.js';
import type { ElementForm } from './array-literal.js';
import { CopySink } from './copy-sink.js';

/** One column as statements name, pass and cast it. */
interface BoundColumn {
  readonly sql: string;
  readonly form: ElementForm;
  /** Type of the array parameter. */
  readonly parameter: string;
  /** From the element to the column's type, typmod apart; empty when the parameter has it already. */
  readonly cast: string;
  /** The type's own equality, also outside the empty search path. */
  readonly equals: string;
  readonly collatable: boolean;
  readonly typeName: string;
}

const plainTypes = new Set([
  'int2',
  'int4',
  'int8',
  'oid',
  'float4',
  'float8',
  'numeric',
  'bool',
  'uuid',
  'date',
]);

/**
 * The statements that write one version of one table. Every value travels as text in one array per column, so that a statement's
 * text depends on the table only and is prepared once.
 */
export class TableStatements {
  readonly relation: Relation;
  readonly place: TableName;
  readonly #table: string;
  readonly #columns: readonly BoundColumn[];
  readonly #prepared = new Map<string, Statement>();
  readonly #sink = new CopySink();
  /** A COPY into this table met a row that was there: no more of them are tried. */
  metRows = false;

  constructor(relation: Relation, place: TableName, shape: TableShape) {
    this.relation = relation;
    this.place = place;
    this.#table = quoteQualified(place.schema, place.name);
    this.#columns = relation.columns.map((column) => bind(column, place, shape));
  }

  /** An empty sink of the table, the same one for every batch; undefined once rows have been met. */
  newRows(): CopySink | undefined {
    if (this.metRows) return undefined;
    this.#sink.clear();
    return this.#sink;
  }

  form(column: number): ElementForm {
    return this.#column(column).form;
  }

  /** Parameters: all columns. */
  get upsert(): Statement {
    return cached(this.#prepared, 'upsert', () => this.#upsert());
  }

  #upsert(): Statement {
    const all = this.#all;
    const key = this.relation.key;
    const set = all
      .filter((i) => !key.includes(i))
      .map((i) => `${this.#name(i)} = EXCLUDED.${this.#name(i)}`);
    const action = set.length > 0 ? `DO UPDATE SET ${set.join(', ')}` : 'DO NOTHING';
    return prepared(
      `INSERT INTO ${this.#table} (${all.map((i) => this.#name(i)).join(', ')})
       SELECT ${all.map((i) => this.#value(`u.c${i}`, i)).join(', ')} FROM ${this.#rows(all)}
       ON CONFLICT (${key.map((i) => this.#name(i)).join(', ')}) ${action}`,
    );
  }

  /** Parameters: all columns. */
  get insert(): Statement {
    return cached(this.#prepared, 'insert', () => this.#insert());
  }

  #insert(): Statement {
    const all = this.#all;
    return prepared(
      `INSERT INTO ${this.#table} (${all.map((i) => this.#name(i)).join(', ')})
       SELECT ${all.map((i) => this.#value(`u.c${i}`, i)).join(', ')} FROM ${this.#rows(all)}`,
    );
  }

  get copy(): string {
    return `COPY ${this.#table} (${this.#all.map((i) => this.#name(i)).join(', ')}) FROM STDIN`;
  }

  /** Parameters: the key's columns, in key order. */
  get deletes(): Statement {
    return cached(this.#prepared, 'deletes', () => this.#deletes());
  }

  #deletes(): Statement {
    const key = this.relation.key;
    return prepared(`DELETE FROM ${this.#table} t USING ${this.#rows(key)} WHERE ${this.#keyMatches(key)}`);
  }

  /** Updates the columns of `present` (key apart). Parameters: the key's columns in key order, then those of `present`. */
  patch(present: readonly number[]): Statement {
    return cached(this.#prepared, `patch ${present.join()}`, () => {
      const key = this.relation.key;
      if (present.length === 0) {
        return prepared(`SELECT FROM ${this.#table} t, ${this.#rows(key)} WHERE ${this.#keyMatches(key)}`);
      }
      const set = present.map((i) => `${this.#name(i)} = ${this.#value(`u.c${i}`, i)}`);
      return prepared(
        `UPDATE ${this.#table} t SET ${set.join(', ')} FROM ${this.#rows([...key, ...present])} WHERE ${this.#keyMatches(key)}`,
      );
    });
  }

  /** Parameters: the old key's columns in key order, then the columns of `present` (the new key's among them). */
  move(present: readonly number[]): Statement {
    return cached(this.#prepared, `move ${present.join()}`, () => {
      const key = this.relation.key;
      const parameters = [...key, ...present];
      const arrays = parameters.map((i, at) => `$${at + 1}::${this.#column(i).parameter}`);
      const names = parameters.map((i, at) => (at < key.length ? `k${i}` : `c${i}`));
      const set = present.map((i) => `${this.#name(i)} = ${this.#value(`u.c${i}`, i)}`);
      const where = key.map(
        (i) => `t.${this.#name(i)} ${this.#column(i).equals} ${this.#value(`u.k${i}`, i)}`,
      );
      return prepared(
        `UPDATE ${this.#table} t SET ${set.join(', ')} FROM unnest(${arrays.join(', ')}) AS u(${names.join(', ')})
         WHERE ${where.join(' AND ')}`,
      );
    });
  }

  /**
   * Removes one copy of each row given, by ctid. Rows are compared by their whole text, null equal to null, because types
   * like json have no equality; both sides go through the column's type, which pads or strips as it likes. Parameters: all
   * columns.
   */
  get removes(): Statement {
    return cached(this.#prepared, 'removes', () => this.#removes());
  }

  #removes(): Statement {
    const stored = this.#all.map((i) => `t.${this.#name(i)}::text`);
    const given = this.#all.map((i) => `${this.#value(`u.c${i}`, i)}::text`);
    return prepared(
      `DELETE FROM ${this.#table} WHERE ctid = ANY (ARRAY(
         SELECT m.at FROM (
           SELECT t.ctid AS at, w.copies, row_number() OVER (PARTITION BY w.whole) AS copy
           FROM (SELECT ROW(${given.join(', ')})::text AS whole, count(*) AS copies FROM ${this.#rows(this.#all)} GROUP BY 1) w
             JOIN ${this.#table} t ON ROW(${stored.join(', ')})::text = w.whole
         ) m WHERE m.copy <= m.copies))`,
    );
  }

  /** Parameters: the key's columns of the rows kept. `bounds` are conditions on `t`, already quoted. */
  deleteRange(bounds: readonly string[]): Statement {
    const key = this.relation.key;
    const conditions = [
      ...bounds,
      `NOT EXISTS (SELECT FROM ${this.#rows(key)} WHERE ${this.#keyMatches(key)})`,
    ];
    return { text: `DELETE FROM ${this.#table} t WHERE ${conditions.join(' AND ')}` };
  }

  /** `(t.a, t.b)` as deleteRange and scans compare it: text by its bytes, as all followers do. */
  keyTuple(alias: string): string[] {
    return this.relation.key.map((i) => {
      const collation = this.#column(i).collatable ? ' COLLATE "C"' : '';
      return `${alias}.${this.#name(i)}${collation}`;
    });
  }

  /** The column has the leader's own type here, and with it the leader's order; not a text that stands for it. */
  isHeldNatively(column: Column): boolean {
    const held = this.#columns[this.relation.columns.indexOf(column)];
    return held?.typeName === (column.type.base ?? column.type).name;
  }

  /** A constant of a key column's type. */
  keyConstant(position: number, literal: string): string {
    const column = this.relation.key[position] as number;
    return `CAST(${literal} AS ${this.#cast(column)})`;
  }

  get everyRow(): string {
    const order = this.relation.key.length > 0 ? this.keyTuple('t') : ['t.ctid'];
    return `SELECT ${this.#all.map((i) => `t.${this.#name(i)}`).join(', ')} FROM ${this.#table} t ORDER BY ${order.join(', ')}`;
  }

  get #all(): number[] {
    return this.#columns.map((_, i) => i);
  }

  #column(i: number): BoundColumn {
    return this.#columns[i] as BoundColumn;
  }

  #name(i: number): string {
    return this.#column(i).sql;
  }

  #value(element: string, i: number): string {
    const { cast } = this.#column(i);
    return cast === '' ? element : `${element}::${cast}`;
  }

  #cast(i: number): string {
    const { cast, parameter } = this.#column(i);
    return cast === '' ? parameter.slice(0, -'[]'.length) : cast;
  }

  #rows(columns: readonly number[]): string {
    const arrays = columns.map((i, at) => `$${at + 1}::${this.#column(i).parameter}`);
    return `unnest(${arrays.join(', ')}) AS u(${columns.map((i) => `c${i}`).join(', ')})`;
  }

  #keyMatches(key: readonly number[]): string {
    return key
      .map((i) => `t.${this.#name(i)} ${this.#column(i).equals} ${this.#value(`u.c${i}`, i)}`)
      .join(' AND ');
  }
}

function bind(column: Column, place: TableName, shape: TableShape): BoundColumn {
  const held = shape.columns.get(column.name);
  if (!held) {
    throw new Fault('MR-4006', {
      detail: `Table ${describePlace(place)} has no column ${column.name} any more: it was altered by hand.`,
    });
  }
  const type = castName(held.typeSchema, held.typeName);
  const byElement = isPlainElement(held);
  const foreign = held.typeSchema !== 'pg_catalog' && held.typeKind === 'b';
  return {
    sql: quoteIdentifier(column.name),
    form: byElement && plainTypes.has(held.typeName) && held.typeSchema === 'pg_catalog' ? 'plain' : 'quoted',
    parameter: byElement ? `${type}[]` : 'pg_catalog.text[]',
    cast: byElement ? '' : type,
    equals: foreign ? `OPERATOR(${quoteIdentifier(held.typeSchema)}.=)` : '=',
    collatable: collatable.has(held.typeName),
    typeName: held.typeName,
  };
}

/** Arrays would be flattened by unnest, domains and composites have no array of their own everywhere, box separates by `;`. */
function isPlainElement(held: ShapeColumn): boolean {
  return held.category !== 'A' && held.delimiter === ',' && ['b', 'e', 'r', 'm'].includes(held.typeKind);
}

const collatable = new Set(['text', 'varchar', 'bpchar', 'name', 'citext']);

function cached<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Names a statement by its text, so that the same text is prepared once per session and no two share a name. */
function prepared(text: string): Statement {
  return { name: `millrace_${createHash('sha256').update(text).digest('hex').slice(0, 40)}`, text };
}
