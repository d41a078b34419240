import type { Column, ColumnType, Relation, ReplicaIdentity, TypeKind } from '@millrace/model';
import { Fault } from '@millrace/runtime';

/** What `relationJson` (relation-query.ts) yields. */
export interface RelationJson {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  /** pg_class.relkind: r table, p partitioned table. */
  readonly kind: string;
  /** pg_class.relpersistence: p permanent, u unlogged, t temporary. */
  readonly persistence: string;
  /** pg_class.relreplident: d default, i index, f full, n nothing. */
  readonly identity: string;
  readonly filenode: number;
  readonly primaryKey: readonly number[] | null;
  readonly identityIndex: readonly number[] | null;
  readonly columns: readonly ColumnJson[] | null;
  readonly types: readonly TypeJson[] | null;
}

export interface ColumnJson {
  readonly attnum: number;
  readonly name: string;
  readonly type: number;
  readonly typmod: number;
  readonly notNull: boolean;
  /** pg_attribute.attgenerated: empty, s stored, v virtual. */
  readonly generated: string;
  readonly hasDefault: boolean;
  readonly hasMissing: boolean;
  readonly missing: string | null;
  /** Quoted and qualified; null for the database's default, and for types without collation. */
  readonly collation: string | null;
}

export interface TypeJson {
  readonly oid: number;
  readonly typmod: number;
  readonly schema: string;
  readonly name: string;
  readonly typtype: string;
  readonly array: boolean;
  readonly element: number;
  readonly base: number;
  readonly baseTypmod: number;
  readonly sql: string;
  readonly labels: readonly string[] | null;
}

const identities: Readonly<Record<string, ReplicaIdentity>> = {
  d: 'default',
  i: 'index',
  f: 'full',
  n: 'nothing',
};

const kinds: Readonly<Record<string, TypeKind>> = {
  b: 'base',
  c: 'composite',
  d: 'domain',
  e: 'enum',
  r: 'range',
  m: 'multirange',
  p: 'base',
};

/** The table's shape with the columns that `isPublished` chooses, in attnum order, which is stream order. */
export function relationOf(json: RelationJson, isPublished: (column: ColumnJson) => boolean): Relation {
  const types = new Map((json.types ?? []).map((type) => [typeKey(type.oid, type.typmod), type]));
  const columns = (json.columns ?? []).filter(isPublished).map((column) => columnOf(column, types));
  return {
    id: json.id,
    schema: json.schema,
    name: json.name,
    columns,
    identity: identities[json.identity] ?? unknownLetter('replica identity', json.identity),
    key: keyOf(json, columns),
  };
}

/** What pgoutput publishes of a table without a column list: generated columns from 18 on, when asked for. */
export const isOrdinaryColumn = (column: ColumnJson): boolean => column.generated === '';

function columnOf(json: ColumnJson, types: ReadonlyMap<string, TypeJson>): Column {
  return {
    attnum: json.attnum,
    name: json.name,
    type: typeOf(json.type, json.typmod, types),
    notNull: json.notNull,
    generated: json.generated !== '',
    missing: json.missing,
  };
}

function typeOf(oid: number, typmod: number, types: ReadonlyMap<string, TypeJson>): ColumnType {
  const json = types.get(typeKey(oid, typmod));
  if (!json)
    throw new Fault('MR-9001', {
      detail: `the catalogue describes no type with oid ${oid} and typmod ${typmod}`,
    });
  // A domain has the output function of its base, so one over an array looks like an array without elements.
  const array = json.array && json.typtype !== 'd';
  const kind = array ? 'array' : (kinds[json.typtype] ?? unknownLetter('kind of type', json.typtype));
  return {
    oid,
    schema: json.schema,
    name: json.name,
    kind,
    typmod,
    sql: json.sql,
    ...(kind === 'array' ? { element: typeOf(json.element, typmod, types) } : {}),
    ...(kind === 'domain' ? { base: typeOf(json.base, json.baseTypmod, types) } : {}),
    ...(kind === 'enum' ? { labels: json.labels ?? [] } : {}),
  };
}

/** Indexes of the identity's columns. A key that is not published whole identifies nothing. */
function keyOf(json: RelationJson, columns: readonly Column[]): number[] {
  if (json.identity === 'n') return [];
  const attnums = (json.identity === 'i' ? json.identityIndex : json.primaryKey) ?? [];
  const key = attnums.map((attnum) => columns.findIndex((column) => column.attnum === attnum));
  return key.includes(-1) ? [] : key;
}

const typeKey = (oid: number, typmod: number): string => `${oid}:${typmod}`;

function unknownLetter(what: string, letter: string): never {
  throw new Fault('MR-9001', { detail: `the catalogue names an unknown ${what} "${letter}"` });
}
