import type { Column, ColumnType, Relation, ReplicaIdentity } from '@millrace/model';

/** Built-in types that test tables use. */
const types = {
  int4: { oid: 23, sql: 'integer' },
  text: { oid: 25, sql: 'text' },
} as const;

export const testType = (name: keyof typeof types): ColumnType => ({
  oid: types[name].oid,
  schema: 'pg_catalog',
  name,
  kind: 'base',
  typmod: -1,
  sql: types[name].sql,
});

/** An enum: a type that follower stores order differently. */
export const moodType: ColumnType = {
  oid: 16_500,
  schema: 'public',
  name: 'mood',
  kind: 'enum',
  typmod: -1,
  sql: 'mood',
  labels: ['sad', 'ok'],
};

export const testColumn = (
  attnum: number,
  name: string,
  type: keyof typeof types,
  extra: Partial<Column> = {},
): Column => ({
  attnum,
  name,
  type: testType(type),
  notNull: false,
  generated: false,
  missing: null,
  ...extra,
});

/** A relation for tests: columns named a, b, … unless given. */
export function testRelation(
  id: number,
  name: string,
  options: { key?: readonly number[]; identity?: ReplicaIdentity; columns?: readonly Column[] } = {},
): Relation {
  const columns = options.columns ?? [
    testColumn(1, 'id', 'int4', { notNull: true }),
    testColumn(2, 'name', 'text'),
    testColumn(3, 'note', 'text'),
  ];
  return {
    id,
    schema: 'public',
    name,
    columns,
    identity: options.identity ?? 'default',
    key: options.key ?? [0],
  };
}
