import { type Change, type ColumnType, type Relation, rowImageOf } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { createCodec, memorySchemaStore } from './index.js';
import { decodeWithAvsc } from './testing/avsc-oracle.js';

const t = (name: string, sql = name, typmod = -1, kind: ColumnType['kind'] = 'base'): ColumnType => ({
  oid: 1,
  schema: 'pg_catalog',
  name,
  kind,
  typmod,
  sql,
});
const relation: Relation = {
  id: 1,
  schema: 'public',
  name: 'items',
  identity: 'default',
  key: [0],
  columns: [
    ['id', t('int4'), true],
    ['a', t('text'), true],
    ['b', t('text'), false],
    ['at', t('timestamp'), false],
    ['z', t('timestamptz'), false],
    ['f', t('float4'), false],
  ].map(([name, type, notNull], i) => ({
    attnum: i + 1,
    name: name as string,
    type: type as ColumnType,
    notNull: notNull as boolean,
    generated: false,
    missing: null,
  })),
};
const row = ['-42', 'hé"llo\n', null, '2024-01-02 03:04:05.6', '0044-03-15 00:00:00.5+00 BC', '0.1'];

describe.each(['avro', 'json'] as const)('%s', (format) => {
  it('gives back what was encoded, and others read it too', async () => {
    const schemas = memorySchemaStore();
    const codec = createCodec({
      format,
      preset: 'lossless',
      schemas,
      connectorName: 'shop',
      database: 'db',
      version: '0.1.0',
    });
    const encoder = await codec.encoder('shop.public.items', relation);
    const out = new ByteWriter();
    const change: Change = {
      op: 'insert',
      relation,
      lsnHigh: 0x22,
      lsnLow: 0xb374d848,
      before: undefined,
      beforeIsFull: false,
      after: rowImageOf(row),
    };
    encoder.value(
      'c',
      change,
      {
        sourceTime_us: 1700000000123456n,
        processedAt_us: 1700000000123999n,
        xid: 77,
        lastCommitHigh: 0,
        lastCommitLow: 99,
        snapshot: 'false',
      },
      out,
    );
    const bytes = out.copy();
    const decoder = await codec.decoder('shop.public.items', relation);
    expect(decoder.decode(bytes, () => false)).toEqual({ op: 'c', before: null, after: row });
    if (format === 'avro') {
      const text = (await schemas.get(bytes.readUInt32BE(1))) as string;
      expect(decodeWithAvsc(text, bytes)).toMatchObject({
        op: 'c',
        before: null,
        after: { id: -42, at: 1704164645600000n, b: null },
      });
    } else
      expect(JSON.parse(bytes.toString())).toMatchObject({
        op: 'c',
        before: null,
        after: { id: -42, b: null },
      });
  });
});

it('a reader registers nothing, and reads what a writer registers later only after asking again', async () => {
  const schemas = memorySchemaStore();
  const names = { connectorName: 'shop', database: 'db', version: '0.1.0' };
  const codec = createCodec({ format: 'avro', preset: 'lossless', schemas, ...names });
  const early = await codec.decoder('shop.public.items', relation);
  expect(await schemas.subjects()).toEqual([]);
  const encoder = await codec.encoder('shop.public.items', relation);
  expect(await schemas.subjects()).toEqual(['shop.public.items-key', 'shop.public.items-value']);
  const out = new ByteWriter();
  const after = rowImageOf(row);
  const change: Change = {
    ...{ op: 'insert', relation, lsnHigh: 0, lsnLow: 1, before: undefined, beforeIsFull: false, after },
  };
  const context = { sourceTime_us: 0n, processedAt_us: 0n, xid: 1, lastCommitHigh: -1, lastCommitLow: -1 };
  encoder.value('c', change, { ...context, snapshot: 'false' }, out);
  const bytes = out.copy();
  expect(() => early.decode(bytes, () => false)).toThrow(/MR-5004.*nobody registered/);
  const late = await codec.decoder('shop.public.items', relation);
  expect(late.decode(bytes, () => false).after).toEqual(row);
});
