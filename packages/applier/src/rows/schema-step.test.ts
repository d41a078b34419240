import type { SchemaRecord } from '@millrace/log';
import type { Column, Relation } from '@millrace/model';
import { lsn } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import type { Standing } from '../session/standing.js';
import { Topics } from '../session/topics.js';
import { itemsCodec, textColumn, items as threeColumns } from '../testing/items.js';
import { planSchema } from './schema-step.js';
import { Tables } from './tables.js';

const items: Relation = { ...threeColumns, columns: threeColumns.columns.slice(0, 2) };
const widened: Relation = { ...items, columns: [...items.columns, textColumn(3, 'rank')] };
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
  const codec = itemsCodec();
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
