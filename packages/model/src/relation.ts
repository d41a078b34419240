/** Kinds of PostgreSQL types, after pg_type.typtype (and typcategory A for arrays). */
export type TypeKind = 'base' | 'array' | 'enum' | 'domain' | 'composite' | 'range' | 'multirange';

/** A column's type as the leader's catalogue describes it: enough to create the same column elsewhere and to encode it. */
export interface ColumnType {
  readonly oid: number;
  /** Namespace, `pg_catalog` for built-in ones. */
  readonly schema: string;
  /** pg_type.typname: `int4`, `numeric`, `_text`, `mood`. */
  readonly name: string;
  readonly kind: TypeKind;
  /** pg_attribute.atttypmod, −1 when none. */
  readonly typmod: number;
  /** format_type(oid, typmod): `numeric(10,2)`, `character varying(40)`, `mood`. */
  readonly sql: string;
  /** Element type of an array. */
  readonly element?: ColumnType;
  /** Base type of a domain, with the domain's typmod. */
  readonly base?: ColumnType;
  /** Labels of an enum in enumsortorder. */
  readonly labels?: readonly string[];
}

export interface Column {
  /** pg_attribute.attnum: the identity of a column through renames (R37). Never reused after a drop. */
  readonly attnum: number;
  readonly name: string;
  readonly type: ColumnType;
  readonly notNull: boolean;
  /** Generated columns are published from 18 on, when asked for; followers hold them as plain columns. */
  readonly generated: boolean;
  /**
   * What rows that are older than the column read as (`ADD COLUMN … DEFAULT 7` fills them without events), as
   * PostgreSQL text; null for NULL.
   */
  readonly missing: string | null;
}

export type ReplicaIdentity = 'default' | 'index' | 'full' | 'nothing';

/** One version of one table's shape, as its events carry it: `columns` are exactly the published ones, in stream order. */
export interface Relation {
  /** pg_class.oid on the leader. */
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
  readonly identity: ReplicaIdentity;
  /**
   * Indexes into `columns` of the row identity, in index order: the primary key under `default` and (where there is
   * one) `full`, the index's columns under `index`; empty when rows have no key (events are then a multiset, and
   * updates and deletes carry the full old row).
   */
  readonly key: readonly number[];
}

/** `schema.table`, unquoted, for messages. */
export const relationName = (relation: Pick<Relation, 'schema' | 'name'>): string =>
  `${relation.schema}.${relation.name}`;

/** PostgreSQL gives no table more columns; a source numbers columns beyond it whose identity it could not tell. */
const attnum_max = 1_600;

/** True when some column's attnum stands for no real column: nothing may be concluded from such numbers (R37). */
export function hasUnknownColumns(relation: Relation): boolean {
  return relation.columns.some((column) => column.attnum > attnum_max);
}
