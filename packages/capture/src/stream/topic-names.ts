import type { Relation } from '@millrace/model';

/** Kafka's bound on topic names, characters. */
const name_max = 249;

/**
 * The topic of a table as Debezium names it (`<prefix>.<schema>.<table>`, anything outside [A-Za-z0-9._-] as `_`, cut at 249). `taken`
 * tells that another table has that name already (two names that differ only in replaced characters, or a table made under a
 * name that a renamed one left): then the table's oid is appended, so that two tables never share a topic.
 */
export function topicNameOf(
  prefix: string,
  relation: Pick<Relation, 'id' | 'schema' | 'name'>,
  taken: (name: string) => boolean,
): string {
  const plain = `${prefix}.${relation.schema}.${relation.name}`.replace(/[^A-Za-z0-9._-]/g, '_');
  const name = plain.slice(0, name_max);
  if (!taken(name)) return name;
  const suffix = `.${relation.id}`;
  return plain.slice(0, name_max - suffix.length) + suffix;
}
