import { createHash } from 'node:crypto';
import type { Relation } from '@millrace/model';

/** Where a table's rows are in the follower, unquoted. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** The follower's name for a leader's table. */
export function placeOf(
  relation: Pick<Relation, 'schema' | 'name'>,
  schemas: Readonly<Record<string, string>>,
): TableName {
  const mapped = Object.hasOwn(schemas, relation.schema) ? schemas[relation.schema] : undefined;
  return { schema: mapped ?? relation.schema, name: relation.name };
}

export const samePlace = (a: TableName, b: TableName): boolean => a.schema === b.schema && a.name === b.name;

export const describePlace = (place: TableName): string => `${place.schema}.${place.name}`;

/** A name that stands in while names are swapped: fits 63 bytes, the same for the same subject, unlikely to be anyone's. */
export function standInName(subject: string): string {
  return `millrace_aside_${createHash('sha256').update(subject).digest('hex').slice(0, 24)}`;
}
