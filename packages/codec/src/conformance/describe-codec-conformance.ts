import {
  type Change,
  type ColumnType,
  cellAbsent,
  cellNull,
  type Relation,
  type Row,
  type RowImage,
  rowImageOf,
} from '@millrace/model';
import { ByteWriter, isFault } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import type { Codec, EncodingContext, EnvelopeOp, SchemaStore } from '../port.js';
import { memorySchemaStore } from '../schema-store/table-store.js';
import { baseType, columnOf, tableOf } from './column-types.js';
import { valueCorpus } from './value-corpus.js';

export const sampleTopic = 'shop.public.values';

export const sampleContext: EncodingContext = {
  sourceTime_us: 1_700_000_000_123_456n,
  processedAt_us: 1_700_000_000_654_321n,
  xid: 4_294_967_295,
  lastCommitHigh: 0,
  lastCommitLow: 24_023_119,
  snapshot: 'false',
};

/** A change as a source would hand it over, from cells. */
export function sampleChange(relation: Relation, before: Row | null, after: Row | null): Change {
  return {
    op: 'update',
    relation,
    lsnHigh: 0x16,
    lsnLow: 0xb374_d848,
    before: before ? rowImageOf(before) : undefined,
    beforeIsFull: true,
    after: after ? rowImageOf(after) : undefined,
  };
}

interface Trip {
  readonly codec: Codec;
  readonly relation: Relation;
}

async function travel(
  { codec, relation }: Trip,
  op: EnvelopeOp,
  change: Change,
  absent: readonly number[] = [],
) {
  const encoder = await codec.encoder(sampleTopic, relation);
  const decoder = await codec.decoder(sampleTopic, relation);
  const out = new ByteWriter(16);
  out.u8(0xff);
  encoder.value(op, change, sampleContext, out);
  return decoder.decode(out.copy().subarray(1), (column) => absent.includes(column));
}

const mixedTable = tableOf([
  columnOf(1, 'id', baseType('int4'), { notNull: true }),
  columnOf(2, 'name', baseType('text'), { notNull: true }),
  columnOf(3, 'at', baseType('timestamptz')),
  columnOf(4, 'amount', baseType('int8'), { notNull: true }),
  columnOf(5, 'data', baseType('bytea')),
]);
const mixedRow = ['7', 'seven', '2024-01-02 03:04:05.6+00', '-8', '\\x07'];

/**
 * The codec port's contract. Register with `makeCodec`, which gets a fresh schema store. Under a preset that names inexact columns,
 * their values may come back different or be refused; all others must come back as they were.
 */
export function describeCodecConformance(name: string, makeCodec: (schemas: SchemaStore) => Codec): void {
  const codec = makeCodec(memorySchemaStore());

  describe(`codec ${name}`, () => {
    describe('brings every value back as it was, or refuses it', () => {
      for (const { type, values } of valueCorpus) it(type.sql, () => expectExact(codec, type, values));
    });
    describeOperations(codec);
    describeAbsence(codec);
    describeDamage(codec);
    describeNames(codec);
  });
}

async function expectExact(codec: Codec, type: ColumnType, values: readonly string[]): Promise<void> {
  const relation = tableOf([
    columnOf(1, 'id', baseType('int4'), { notNull: true }),
    columnOf(2, 'value', type),
  ]);
  const inexact = codec.inexactColumns(relation).length > 0;
  expect(inexact && codec.name.endsWith('/lossless')).toBe(false);
  for (const value of values) {
    const row = ['1', value];
    try {
      const { after } = await travel({ codec, relation }, 'c', sampleChange(relation, null, row));
      if (!inexact) expect(after).toEqual(row);
    } catch (error) {
      // Refused is as good as exact, but not under the preset that must carry everything, and never quoting the value.
      if (!isFault(error, 'MR-5001') || codec.name.endsWith('/lossless')) throw error;
      expect(error.message).toContain('column "value"');
    }
  }
}

function describeOperations(codec: Codec): void {
  const trip = { codec, relation: mixedTable };
  const changed = ['7', 'SEVEN', null, '9', null];

  it.each(['r', 'c'] as const)('carries the new row of op %s and no old one', async (op) => {
    const event = await travel(trip, op, sampleChange(mixedTable, null, mixedRow));
    expect(event).toEqual({ op, before: null, after: mixedRow });
  });

  it('carries both rows of an update, or the new one alone', async () => {
    const both = await travel(trip, 'u', sampleChange(mixedTable, mixedRow, changed));
    expect(both).toEqual({ op: 'u', before: mixedRow, after: changed });
    const alone = await travel(trip, 'u', sampleChange(mixedTable, null, changed));
    expect(alone).toEqual({ op: 'u', before: null, after: changed });
  });

  it('carries a deleted row’s key, whatever its other columns are', async () => {
    const keyOnly = { ...sampleChange(mixedTable, ['7', null, null, null, null], null), beforeIsFull: false };
    const { op, before, after } = await travel(trip, 'd', keyOnly);
    expect([op, before?.[0], after]).toEqual(['d', '7', null]);
  });

  it('carries a deleted row in full where the leader sent it', async () => {
    const event = await travel(trip, 'd', sampleChange(mixedTable, mixedRow, null));
    expect(event).toEqual({ op: 'd', before: mixedRow, after: null });
  });

  it('carries a truncate, which has no rows', async () => {
    const event = await travel(trip, 't', sampleChange(mixedTable, null, null));
    expect(event).toEqual({ op: 't', before: null, after: null });
  });

  it('refuses NULL in a NOT NULL column rather than writing a zero', async () => {
    const change = sampleChange(mixedTable, null, ['7', null, null, '1', null]);
    await expect(travel(trip, 'c', change)).rejects.toThrow(/MR-5001.*"name"/);
  });

  it('gives equal keys equal bytes and different keys different bytes', async () => {
    const encoder = await codec.encoder(sampleTopic, mixedTable);
    const keyOf = (id: string): string => {
      const out = new ByteWriter();
      encoder.key(rowImageOf([id, 'n', null, '1', null]), out);
      return out.copy().toString('hex');
    };
    expect(encoder.keyed).toBe(true);
    expect(keyOf('1')).toBe(keyOf('1'));
    expect(keyOf('1')).not.toBe(keyOf('2'));
  });

  it('has no key for a table without one', async () => {
    const keyless = tableOf(mixedTable.columns, { identity: 'full', key: [] });
    expect((await codec.encoder(sampleTopic, keyless)).keyed).toBe(false);
    const event = await travel({ codec, relation: keyless }, 'd', sampleChange(keyless, mixedRow, null));
    expect(event.before).toEqual(mixedRow);
  });
}

function describeAbsence(codec: Codec): void {
  it('tells an unchanged TOAST value by the header alone, and a value that equals the placeholder from it', async () => {
    const relation = tableOf([
      columnOf(1, 'id', baseType('int4'), { notNull: true }),
      columnOf(2, 'big', baseType('text'), { notNull: true }),
      columnOf(3, 'bytes', baseType('bytea')),
      columnOf(4, 'number', baseType('numeric'), { notNull: true }),
    ]);
    const row = ['1', undefined, undefined, undefined];
    const event = await travel({ codec, relation }, 'u', sampleChange(relation, null, row), [1, 2, 3]);
    expect(event.after).toEqual(row);
    const real = ['1', '__debezium_unavailable_value', '\\x', '0'];
    const present = await travel({ codec, relation }, 'u', sampleChange(relation, null, real));
    expect(present.after).toEqual(real);
  });

  it('reads images with the cells anywhere in a larger buffer', async () => {
    const image: RowImage = {
      columns: 5,
      bytes: Buffer.from('xx42yyab-1'),
      offset: Int32Array.of(2, 6, 0, 8, 0, 99),
      length: Int32Array.of(2, 2, cellNull, 2, cellAbsent, 99),
    };
    const change = { ...sampleChange(mixedTable, null, null), after: image };
    const event = await travel({ codec, relation: mixedTable }, 'u', change, [4]);
    expect(event.after).toEqual(['42', 'ab', null, '-1', undefined]);
  });
}

function describeDamage(codec: Codec): void {
  it('turns every cut, and every flipped byte that it cannot read, into MR-5003 or MR-5004', async () => {
    const encoder = await codec.encoder(sampleTopic, mixedTable);
    const decoder = await codec.decoder(sampleTopic, mixedTable);
    const out = new ByteWriter();
    encoder.value('u', sampleChange(mixedTable, mixedRow, mixedRow), sampleContext, out);
    const bytes = out.copy();
    for (let cut = 0; cut < bytes.length; cut++)
      expect(() => decoder.decode(bytes.subarray(0, cut), () => false), `cut at ${cut}`).toThrow(
        /MR-500[34]/,
      );
    expect(() => decoder.decode(Buffer.concat([bytes, Buffer.from([0])]), () => false)).toThrow(/MR-5003/);
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] as number) ^ flip;
        expectReadOrFault(() => decoder.decode(damaged, () => false));
      }
    }
  });

  it('refuses text that is not UTF-8', async () => {
    const change = sampleChange(mixedTable, null, mixedRow);
    const image = change.after as RowImage;
    image.bytes[image.offset[1] as number] = 0xff;
    await expect(travel({ codec, relation: mixedTable }, 'c', change)).rejects.toThrow(/MR-5001.*UTF-8/);
  });
}

function expectReadOrFault(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isFault(error, 'MR-5003', 'MR-5004')) throw error;
  }
}

function describeNames(codec: Codec): void {
  it('carries columns and tables of any name', async () => {
    const names = [
      'id',
      'a b',
      'ünï',
      '1st',
      '"q"',
      '__proto__',
      'constructor',
      '名'.repeat(21),
      '<b>',
      "'; --",
    ];
    const relation = tableOf(
      names.map((name, i) => columnOf(i + 1, name, baseType('text'), { notNull: i % 2 === 0 })),
      { schema: 'we"ird', name: 'tä.ble' },
    );
    const row = names.map((_, i) => `value ${i}`);
    expect((await travel({ codec, relation }, 'c', sampleChange(relation, null, row))).after).toEqual(row);
  });
}
