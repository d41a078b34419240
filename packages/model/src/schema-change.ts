import type { Column, Relation } from './relation.js';

/** One step that turns a table's old shape into its new one. Columns are identified by attnum (R37). */
export type SchemaChange =
  | { readonly kind: 'create-table' }
  | { readonly kind: 'rename-table'; readonly from: { readonly schema: string; readonly name: string } }
  | { readonly kind: 'add-column'; readonly column: Column }
  | { readonly kind: 'drop-column'; readonly column: Column }
  | { readonly kind: 'rename-column'; readonly from: string; readonly column: Column }
  | { readonly kind: 'retype-column'; readonly from: Column; readonly column: Column }
  | { readonly kind: 'change-nullability'; readonly column: Column }
  | { readonly kind: 'change-key'; readonly fromKey: readonly number[]; readonly toKey: readonly number[] };

/**
 * The changes from `before` to `after`, in an order in which they can be applied one by one: drops before renames before
 * adds, so that a freed name can be taken. `before` undefined means the table is new. Another relation id means the
 * table was dropped and made again; callers treat that as a new table.
 */
export function diffRelations(before: Relation | undefined, after: Relation): SchemaChange[] {
  if (!before || before.id !== after.id) return [{ kind: 'create-table' }];
  const changes: SchemaChange[] = [];
  if (before.schema !== after.schema || before.name !== after.name) {
    changes.push({ kind: 'rename-table', from: { schema: before.schema, name: before.name } });
  }
  const old = new Map(before.columns.map((column) => [column.attnum, column]));
  const now = new Map(after.columns.map((column) => [column.attnum, column]));
  for (const column of before.columns)
    if (!now.has(column.attnum)) changes.push({ kind: 'drop-column', column });
  for (const column of after.columns) {
    const was = old.get(column.attnum);
    if (was && was.name !== column.name) changes.push({ kind: 'rename-column', from: was.name, column });
  }
  for (const column of after.columns) {
    const was = old.get(column.attnum);
    if (!was) {
      changes.push({ kind: 'add-column', column });
      continue;
    }
    if (was.type.sql !== column.type.sql || was.type.oid !== column.type.oid)
      changes.push({ kind: 'retype-column', from: was, column });
    if (was.notNull !== column.notNull) changes.push({ kind: 'change-nullability', column });
  }
  const fromKey = keyAttnums(before);
  const toKey = keyAttnums(after);
  if (fromKey.join() !== toKey.join()) changes.push({ kind: 'change-key', fromKey, toKey });
  return changes;
}

/** Attribute numbers of the key, in key order. */
export function keyAttnums(relation: Relation): number[] {
  return relation.key.map((index) => (relation.columns[index] as Column).attnum);
}
