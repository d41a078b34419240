import { lsn, lsnAsInt64 } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  baseType,
  columnOf,
  numericType,
  sampleChange,
  sampleContext,
  sampleTopic,
  tableOf,
} from './conformance/index.js';
import type { EncodingContext } from './port.js';
import { benchOf, encoded, readOutside } from './testing/encode-value.js';

const table = tableOf([
  columnOf(1, 'id', baseType('int4'), { notNull: true }),
  columnOf(2, 'name', baseType('text'), { notNull: true }),
  columnOf(3, 'price', numericType(10, 2), { notNull: true }),
  columnOf(4, 'at', baseType('timestamp'), { notNull: true }),
  columnOf(5, 'note', baseType('text')),
]);
const row = ['7', 'seven', '1.50', '2024-01-02 03:04:05', null];
const insert = sampleChange(table, null, row);

const avro = benchOf('avro', 'lossless');
const json = benchOf('json', 'lossless');

describe('the envelope, read by avsc', () => {
  it('has Debezium’s source block and times', async () => {
    const event = await readOutside(avro, await encoded(avro, 'c', insert));
    expect(event).toEqual({
      before: null,
      after: { id: 7, name: 'seven', price: '1.50', at: 1_704_164_645_000_000n, note: null },
      source: {
        ...{ version: '0.1.0', connector: 'postgresql', name: 'shop', ts_ms: 1_700_000_000_123n },
        ...{ snapshot: 'false', db: 'shop', sequence: '["24023119","97500059720"]' },
        ...{ ts_us: 1_700_000_000_123_456n, ts_ns: 1_700_000_000_123_456_000n },
        ...{ schema: 'public', table: 'values', txId: 4_294_967_295n, lsn: 97_500_059_720n },
        ...{ xmin: null, origin: null, origin_lsn: null },
      },
      transaction: null,
      op: 'c',
      ts_ms: 1_700_000_000_654n,
      ts_us: 1_700_000_000_654_321n,
      ts_ns: 1_700_000_000_654_321_000n,
    });
  });

  it('is the same in JSON', async () => {
    const [a, j] = await Promise.all([
      readOutside(avro, await encoded(avro, 'c', insert)),
      readOutside(json, await encoded(json, 'c', insert)),
    ]);
    const numbers = (_: string, value: unknown): unknown =>
      typeof value === 'bigint' ? Number(value) : value;
    expect(j).toEqual(JSON.parse(JSON.stringify(a, numbers)));
  });

  it('carries any sequence of LSNs exactly, beyond 2^53 and 2^63 as int64 two’s complement', async () => {
    const encoder = await avro.codec.encoder(sampleTopic, table);
    const near = fc.constantFrom(
      0n,
      1n << 13n,
      1n << 31n,
      1n << 32n,
      1n << 53n,
      1n << 63n,
      10n ** 9n,
      10n ** 12n,
    );
    const position = fc.oneof(
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      fc.tuple(near, fc.bigInt({ min: -3n, max: 3n })).map(([a, b]) => BigInt.asUintN(64, a + b)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(position, { minLength: 1, maxLength: 6 }), async (positions) => {
        for (const at of positions) {
          const change = { ...insert, lsnHigh: Number(at >> 32n), lsnLow: Number(at & 0xffff_ffffn) };
          const out = new ByteWriter();
          encoder.value('c', change, sampleContext, out);
          const { source } = (await readOutside(avro, out.copy())) as { source: Record<string, unknown> };
          const int64 = lsnAsInt64(lsn(at));
          expect([source.lsn, source.sequence]).toEqual([int64, `["24023119","${int64}"]`]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [
      'no commit was seen before',
      { lastCommitHigh: -1, lastCommitLow: -1 },
      { sequence: '[null,"97500059720"]' },
    ],
    ['it has no transaction', { xid: -1 }, { txId: null }],
    [
      'it is of a windowed snapshot',
      { snapshot: 'incremental', xid: -1 },
      { snapshot: 'incremental', lsn: null, txId: null, sequence: '["24023119",null]' },
    ],
    [
      'the last commit is beyond 2^63',
      { lastCommitHigh: 0x8000_0000, lastCommitLow: 1 },
      { sequence: '["-9223372036854775807","97500059720"]' },
    ],
    ['time is before 1970', { sourceTime_us: -1n }, { ts_ms: -1, ts_us: -1, ts_ns: -1000 }],
  ] as const)('tells when %s', async (_, part, expected) => {
    const context: EncodingContext = { ...sampleContext, ...part };
    for (const bench of [avro, json]) {
      const { source } = await readOutside(bench, await encoded(bench, 'c', insert, context));
      const plain = Object.entries(source as object).map(([key, value]) => [
        key,
        typeof value === 'bigint' ? Number(value) : value,
      ]);
      expect(Object.fromEntries(plain)).toMatchObject(expected);
    }
  });

  it('notices that a reused context object changed', async () => {
    const encoder = await avro.codec.encoder(sampleTopic, table);
    const context = { ...sampleContext };
    const xids: unknown[] = [];
    for (const xid of [1, 2, 2, 3]) {
      context.xid = xid;
      const out = new ByteWriter();
      encoder.value('c', insert, context, out);
      xids.push(((await readOutside(avro, out.copy())) as { source: { txId: bigint } }).source.txId);
    }
    expect(xids).toEqual([1n, 2n, 2n, 3n]);
  });
});

describe('what the leader did not send', () => {
  const keyOnly = { ...sampleChange(table, ['7', null, null, null, null], null), beforeIsFull: false };

  it('is filled as Debezium fills it: null where the column may be null, else a zero', async () => {
    const debezium = benchOf('avro', 'debezium');
    const { before } = await readOutside(debezium, await encoded(debezium, 'd', keyOnly));
    expect(before).toEqual({ id: 7, name: '', price: Buffer.from([0]), at: 0n, note: null });
  });

  it('is Debezium’s placeholder for unchanged TOAST values', async () => {
    const columns = [
      ...[columnOf(1, 'id', baseType('int4'), { notNull: true }), columnOf(2, 'text', baseType('text'))],
      ...[columnOf(3, 'bytes', baseType('bytea')), columnOf(4, 'number', baseType('numeric'))],
      columnOf(5, 'list', {
        ...baseType('_int4', { kind: 'array', sql: 'integer[]' }),
        element: baseType('int4'),
      }),
    ];
    const debezium = benchOf('avro', 'debezium');
    const update = sampleChange(tableOf(columns), null, ['1', undefined, undefined, undefined, undefined]);
    const { after } = await readOutside(debezium, await encoded(debezium, 'u', update));
    const placeholder = Buffer.from('__debezium_unavailable_value');
    const expected = {
      id: 1,
      text: placeholder.toString(),
      bytes: placeholder,
      number: null,
      list: [...placeholder],
    };
    expect(after).toEqual(expected);
  });

  it('is refused in a key', async () => {
    const textKey = tableOf([columnOf(1, 'id', baseType('text'), { notNull: true })]);
    await expect(encoded(avro, 'u', sampleChange(textKey, null, [undefined]))).rejects.toThrow(
      /MR-5001.*"id"/,
    );
  });
});

describe('schemas', () => {
  it('are registered under Debezium’s subjects and names', async () => {
    const { codec, schemas } = benchOf('avro', 'lossless');
    await codec.encoder(sampleTopic, table);
    expect(await schemas.subjects()).toEqual([`${sampleTopic}-key`, `${sampleTopic}-value`]);
    const [version] = await schemas.versions(`${sampleTopic}-key`);
    expect(JSON.parse((await schemas.get(version?.id ?? 0)) as string)).toEqual({
      ...{ type: 'record', name: 'Key', namespace: sampleTopic, 'connect.name': `${sampleTopic}.Key` },
      fields: [{ name: 'id', type: 'int' }],
    });
  });

  it('of another preset are told apart from damage: MR-5004', async () => {
    const event = await encoded(benchOf('avro', 'debezium'), 'c', insert);
    const decoder = await avro.codec.decoder(sampleTopic, table);
    expect(() => decoder.decode(event, () => false)).toThrow(/MR-5004.*written under preset `debezium`/);
  });

  it('that nobody here would write are MR-5004, also where another preset refuses the table', async () => {
    const relation = tableOf([columnOf(1, 'id', baseType('pg_lsn'), { notNull: true })]);
    const event = await encoded(avro, 'c', sampleChange(relation, null, ['0/1']));
    event.writeUInt32BE(7, 1);
    const decoder = await avro.codec.decoder(sampleTopic, relation);
    expect(() => decoder.decode(event, () => false)).toThrow(/MR-5004.*another table version/);
  });

  it('of a renamed column differ, so that no version reads another’s events', async () => {
    const [first, ...rest] = table.columns;
    const renamed = tableOf([{ ...(first as (typeof table.columns)[0]), name: 'key' }, ...rest]);
    const decoder = await avro.codec.decoder(sampleTopic, renamed);
    expect(() => decoder.decode(Buffer.alloc(0), () => false)).toThrow(/MR-5003/);
    const event = await encoded(avro, 'c', insert);
    expect(() => decoder.decode(event, () => false)).toThrow(/MR-5004/);
  });
});

describe('hostile input', () => {
  it.each([avro, json])('never crashes a decoder: $codec.name', async (bench) => {
    const decoder = await bench.codec.decoder(sampleTopic, table);
    const genuine = await encoded(bench, 'u', sampleChange(table, row, row));
    const splice = fc.tuple(fc.nat(genuine.length), fc.nat(20), fc.uint8Array({ maxLength: 20 }));
    const spliced = splice.map(([at, cut, put]) =>
      Buffer.concat([genuine.subarray(0, at), put, genuine.subarray(at + cut)]),
    );
    fc.assert(
      fc.property(fc.oneof(spliced, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        try {
          decoder.decode(bytes, () => false);
        } catch (error) {
          expect(String(error)).toMatch(/MR-500[34]/);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('does not allocate what a damaged length claims', async () => {
    const genuine = await encoded(avro, 'c', insert);
    const decoder = await avro.codec.decoder(sampleTopic, table);
    // The name's length (after header, two union branches and the id) becomes two gigabytes.
    const huge = Buffer.concat([
      genuine.subarray(0, 8),
      Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f]),
      genuine.subarray(9),
    ]);
    expect(() => decoder.decode(huge, () => false)).toThrow(/MR-5003.*exceeds what is left/);
  });
});
