import { createCodec, memorySchemaStore } from '@millrace/codec';
import type { SchemaRecord } from '@millrace/log';
import type { Column, Relation } from '@millrace/model';
import { lsn } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { planSchema } from './schema-step.js';
import type { Standing } from './standing.js';
import { Tables } from './tables.js';
import { Topics } from './topics.js';

const column = (attnum: number, name: string): Column => ({
  attnum,
  name,
  type: { oid: 25, schema: 'pg_catalog', name: 'text', kind: 'base', typmod: -1, sql: 'text' },
  notNull: attnum === 1,
  generated: false,
  missing: null,
});
const items: Relation = {
  id: 7,
  schema: 'public',
  name: 'items',
  columns: [column(1, 'id'), column(2, 'name')],
  identity: 'default',
  key: [0],
};
const widened: Relation = { ...items, columns: [...items.columns, column(3, 'rank')] };
const at = { history: 0, end: lsn(100n) };

const standing: Standing = {
  logId: new Uint8Array(16),
  position: at,
  anchor: new Uint8Array(0),
  diverged: false,
  notes: { registration: 1, awaiting: null, running: {}, closing: [], newest: 0, shapes: [], adopt: false },
  tables: new Map([[1, 7]]),
  building: new Set(),
};

function planned(version: number) {
  const topics = new Topics();
  topics.add([{ number: 1, name: 'shop.public.items', partitions: 1, endOffsets: [0n] }]);
  const codec = createCodec({
    format: 'json',
    preset: 'lossless',
    schemas: memorySchemaStore(),
    connectorName: 'shop',
    database: 'shop',
    version: '0',
  });
  const mirrored = { topic: 'shop.public.items', version: 1, relation: items, state: 'exact' } as const;
  const tables = new Tables(codec, topics, [mirrored], () => false);
  const record: SchemaRecord = {
    kind: 'schema',
    logId: new Uint8Array(16),
    epoch: 1,
    nonce: new Uint8Array(16),
    seq: 2n,
    at,
    shape: { topic: 1, version, relation: widened },
    changes: [{ kind: 'add-column', column: widened.columns[2] as Column }],
    repair: false,
  };
  return planSchema(record, standing, { tables, topics, policy: 'evolve' }).standing.notes.shapes;
}

describe('A schema record', () => {
  it('keeps the old shape for events of the transaction that changed it', () => {
    expect(planned(2)).toEqual([{ topic: 1, version: 1, relation: items, until: 'next' }]);
  });

  it('keeps no shape under the number of the new one: that came from a log whose versions counted apart', () => {
    expect(planned(1)).toEqual([]);
  });
});
