import type { ColumnType } from '@millrace/model';
import { quoteIdentifier, quoteQualified } from '@millrace/postgres';

/** Tells whether the follower has a base type that is not built in (an extension's). */
export type HasType = (schema: string, name: string) => boolean;

/**
 * Built-in types whose text depends on the catalogue, the roles or the locale of the server that reads it, or that cannot be read
 * at all: they are mirrored as their text, which is exact.
 */
const heldAsText = new Set([
  'money',
  'aclitem',
  'pg_node_tree',
  'pg_ndistinct',
  'pg_dependencies',
  'pg_mcv_list',
  'pg_brin_bloom_summary',
  'pg_brin_minmax_multi_summary',
  'refcursor',
  'regproc',
  'regprocedure',
  'regoper',
  'regoperator',
  'regclass',
  'regtype',
  'regconfig',
  'regdictionary',
  'regnamespace',
  'regrole',
  'regcollation',
]);

/** What format_type writes for a built-in type: words, a typmod, brackets. Nothing else may enter DDL unquoted. */
const safeFormat = /^(?:[a-z0-9_]+ ?)+(?:\([0-9, -]+\))?(?: [a-z ]+)?$|^"char"$/;
const typmodSuffix = /\([\w ,.-]+\)$/;

/**
 * The follower's column type in SQL for a leader's. Enums, composites and the leader's own ranges become text: a label or
 * attribute added on the leader sends no event, and a new enum label cannot be used in the transaction that adds it.
 * Domains become their base type; extension types stay where the follower has the extension, else become text.
 */
export function columnTypeSql(type: ColumnType, has: HasType): string {
  switch (type.kind) {
    case 'domain':
      return type.base ? columnTypeSql(type.base, has) : 'text';
    case 'array':
      return arraySql(type, has);
    case 'base':
      return baseSql(type, has);
    case 'range':
    case 'multirange':
      return type.schema === 'pg_catalog' && has(type.schema, type.name)
        ? quoteQualified(type.schema, type.name)
        : 'text';
    default:
      return 'text';
  }
}

function baseSql(type: ColumnType, has: HasType): string {
  if (!has(type.schema, type.name)) return 'text';
  if (type.schema !== 'pg_catalog') {
    const typmod = type.typmod >= 0 ? (typmodSuffix.exec(type.sql)?.[0] ?? '') : '';
    return `${quoteQualified(type.schema, type.name)}${typmod}`;
  }
  if (heldAsText.has(type.name)) return 'text';
  if (type.typmod < 0) return quoteQualified(type.schema, type.name);
  return safeFormat.test(type.sql) ? type.sql : quoteQualified(type.schema, type.name);
}

function arraySql(type: ColumnType, has: HasType): string {
  if (!type.element) return 'text';
  const element = columnTypeSql(type.element, has);
  // An array type cannot stand over an array, as one of a domain over an array would.
  if (element.endsWith('[]')) return 'text';
  // An array's text quotes what its element's text needs, whatever the element is: text[] reads and writes the same.
  return type.schema === 'pg_catalog' && type.element.kind === 'base' && type.name.endsWith('vector')
    ? quoteQualified(type.schema, type.name)
    : `${element}[]`;
}

/** Types to look up for a relation: every non-composite base and range type in it. */
export function typesToLookUp(
  types: readonly ColumnType[],
): { readonly schema: string; readonly name: string }[] {
  return types.flatMap((type) => {
    const inner = type.element ?? type.base;
    return inner ? [...typesToLookUp([inner]), type] : [type];
  });
}

/** A cast to a type without its typmod, so that the assignment that follows checks lengths instead of cutting (promise 8). */
export const castName = (schema: string, name: string): string =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
