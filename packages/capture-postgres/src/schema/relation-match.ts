import type { Relation } from '@millrace/model';
import { type ColumnJson, isOrdinaryColumn, type RelationJson, relationOf } from '@millrace/postgres';
import type { RelationMessage } from '../pgoutput/messages.js';

/**
 * The relation that a Relation message names, with column identities from `json`, if the two agree exactly (R37): names,
 * replica identity, and the published columns with type, modifier and part in the identity, in order. Columns that the
 * message leaves out must be generated ones, unless the publication has a column list for the table.
 */
export function matchDescription(
  message: RelationMessage,
  json: RelationJson,
  columnList: boolean,
): Relation | undefined {
  if (json.id !== message.id || json.schema !== message.schema || json.name !== message.name)
    return undefined;
  if (json.identity !== message.identity) return undefined;
  const named = new Set(message.columns.map((column) => column.name));
  const isPublished = (column: ColumnJson): boolean => named.has(column.name);
  const unexplained = (json.columns ?? []).some(
    (column) => !isPublished(column) && isOrdinaryColumn(column) && !columnList,
  );
  if (unexplained) return undefined;
  const relation = relationOf(json, isPublished);
  return matchesRelation(message, relation) ? relation : undefined;
}

/** Whether a Relation message says exactly what `relation` says, as far as it says anything. */
export function matchesRelation(message: RelationMessage, relation: Relation): boolean {
  if (relation.id !== message.id || relation.schema !== message.schema || relation.name !== message.name)
    return false;
  if (!relation.identity.startsWith(message.identity)) return false;
  if (relation.columns.length !== message.columns.length) return false;
  const wholeRow = relation.identity === 'full';
  return message.columns.every((column, i) => {
    const other = relation.columns[i] as Relation['columns'][number];
    const sameColumn =
      other.name === column.name && other.type.oid === column.type && other.type.typmod === column.typmod;
    return sameColumn && column.key === (wholeRow || relation.key.includes(i));
  });
}

/** Same columns by identity, name and type, same key: what a shape must share with another to be the same. */
export function sameShape(a: Relation, b: Relation): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
