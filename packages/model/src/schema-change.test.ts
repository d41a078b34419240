import { describe, expect, it } from 'vitest';
import type { Column, Relation } from './relation.js';
import { diffRelations } from './schema-change.js';

const column = (attnum: number, name: string, sql = 'integer', oid = 23): Column => ({
  attnum,
  name,
  type: { oid, schema: 'pg_catalog', name: sql, kind: 'base', typmod: -1, sql },
  notNull: false,
  generated: false,
  missing: null,
});

const table = (columns: Column[], more: Partial<Relation> = {}): Relation => ({
  id: 16385,
  schema: 'public',
  name: 'items',
  columns,
  identity: 'default',
  key: [0],
  ...more,
});

const kinds = (before: Relation | undefined, after: Relation) =>
  diffRelations(before, after).map((change) => change.kind);

describe('diffRelations', () => {
  it('tells a rename from a drop and an add by attnum, though the column lists look alike (R37)', () => {
    const before = table([column(1, 'id'), column(2, 'b')]);
    expect(kinds(before, table([column(1, 'id'), column(2, 'c')]))).toEqual(['rename-column']);
    expect(kinds(before, table([column(1, 'id'), column(3, 'c')]))).toEqual(['drop-column', 'add-column']);
  });

  it('frees a name before another column takes it', () => {
    const before = table([column(1, 'id'), column(2, 'b')]);
    expect(kinds(before, table([column(1, 'id'), column(3, 'b')]))).toEqual(['drop-column', 'add-column']);
  });

  it('sees another relation id as a new table', () => {
    expect(kinds(table([column(1, 'id')]), table([column(1, 'id')], { id: 7 }))).toEqual(['create-table']);
    expect(kinds(undefined, table([column(1, 'id')]))).toEqual(['create-table']);
  });

  it('reports type, nullability, key and name of the table', () => {
    const before = table([column(1, 'id'), column(2, 'b')]);
    const after = table([column(1, 'id', 'bigint', 20), { ...column(2, 'b'), notNull: true }], {
      name: 'things',
      key: [1],
    });
    expect(kinds(before, after)).toEqual([
      'rename-table',
      'retype-column',
      'change-nullability',
      'change-key',
    ]);
  });

  it('finds nothing between equal shapes', () => {
    expect(diffRelations(table([column(1, 'id')]), table([column(1, 'id')]))).toEqual([]);
  });
});
