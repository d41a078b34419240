import type { ColumnType } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { arrayType, baseType, numericType, valueCorpus } from './conformance/index.js';
import { benchOf, outsideValue, tableWith, valueSchema } from './testing/encode-value.js';

const debezium = benchOf('avro', 'debezium');
const lossless = benchOf('avro', 'lossless');

const semantic = (type: string, name: string): object => ({
  type,
  'connect.version': 1,
  'connect.name': name,
});
const varchar = (name: string, typmod: number): ColumnType => baseType(name, { typmod });
const mood = baseType('mood', { schema: 'public', kind: 'enum', labels: ['sad', 'ok'] });
const debeziumDecimal = {
  ...{ type: 'bytes', scale: 2, precision: 10, 'connect.version': 1 },
  'connect.parameters': { scale: '2', 'connect.decimal.precision': '10' },
  'connect.name': 'org.apache.kafka.connect.data.Decimal',
  logicalType: 'decimal',
};
const bits17 = {
  ...semantic('bytes', 'io.debezium.data.Bits'),
  'connect.parameters': { length: '17' },
};

/** Type, PostgreSQL text, what a consumer must find, and the schema where it has a name. debezium-envelope §11. */
const mapping: readonly (readonly [ColumnType, string, unknown, unknown?])[] = [
  [baseType('bool'), 't', true, 'boolean'],
  [baseType('int2'), '-5', -5, { type: 'int', 'connect.type': 'int16' }],
  [baseType('int4'), '-5', -5, 'int'],
  [baseType('int8'), '9223372036854775807', 9_223_372_036_854_775_807n, 'long'],
  [baseType('oid'), '4294967295', 4_294_967_295n, 'long'],
  [baseType('float4'), '0.1', Math.fround(0.1), 'float'],
  [baseType('float8'), '-Infinity', Number.NEGATIVE_INFINITY, 'double'],
  [numericType(10, 2), '-1.50', Buffer.from([0xff, 0x6a]), debeziumDecimal],
  [numericType(10, 2), '1.28', Buffer.from([0x00, 0x80])],
  [baseType('numeric'), '150.00', { scale: 0, value: Buffer.from([0x00, 0x96]) }],
  [
    baseType('numeric'),
    '-0.50',
    { scale: 1, value: Buffer.from([0xfb]) },
    expect.objectContaining({ 'connect.doc': 'Variable scaled decimal' }),
  ],
  [baseType('money'), '-$1,234.56', Buffer.from([0xfe, 0x1d, 0xc0])],
  [varchar('bpchar', 9), 'ab   ', 'ab   ', 'string'],
  [baseType('bytea'), '\\x00ff', Buffer.from([0x00, 0xff]), 'bytes'],
  [varchar('bit', 1), '1', true, 'boolean'],
  [varchar('varbit', 1), '0', false, 'boolean'],
  [varchar('bit', 17), `1${'0'.repeat(15)}1`, Buffer.from([1, 0, 1]), bits17],
  [varchar('bit', 17), '0'.repeat(17), Buffer.from([])],
  [baseType('date'), '1969-12-31', -1, semantic('int', 'io.debezium.time.Date')],
  [baseType('date'), 'infinity', -2_147_472_692],
  [varchar('time', 3), '00:00:01.5', 1500, semantic('int', 'io.debezium.time.Time')],
  [baseType('time'), '24:00:00', 86_400_000_000n, semantic('long', 'io.debezium.time.MicroTime')],
  [varchar('timestamp', 3), '1970-01-01 00:00:01.5', 1500n, semantic('long', 'io.debezium.time.Timestamp')],
  [
    baseType('timestamp'),
    '1969-12-31 23:59:59.999999',
    -1n,
    semantic('long', 'io.debezium.time.MicroTimestamp'),
  ],
  [baseType('timestamp'), 'infinity', 9_223_372_036_825_200_000n],
  [baseType('timestamp'), '-infinity', -9_223_372_036_832_400_000n],
  [varchar('timestamp', 3), 'infinity', 9_223_372_036_825_200n],
  [varchar('timestamp', 0), '-infinity', -9_223_372_036_832_400n],
  [varchar('timestamp', 3), '294247-01-10 04:00:25.201', 9_223_372_036_825_201n],
  [
    baseType('timestamptz'),
    '2016-11-04 11:51:30.1+00',
    '2016-11-04T11:51:30.100000Z',
    semantic('string', 'io.debezium.time.ZonedTimestamp'),
  ],
  [baseType('timestamptz'), '10000-01-01 00:00:00+00', '+10000-01-01T00:00:00.000000Z'],
  [baseType('timestamptz'), '0044-03-15 12:00:00+00 BC', '-0043-03-15T12:00:00.000000Z'],
  [baseType('timestamptz'), 'infinity', 'infinity'],
  [
    baseType('timetz'),
    '11:51:30.123789+02',
    '09:51:30.123789Z',
    semantic('string', 'io.debezium.time.ZonedTime'),
  ],
  [
    baseType('interval'),
    '1 year 2 mons 3 days 04:05:06.78',
    BigInt((14 * 30.4375 + 3) * 86_400_000_000) + 14_706_780_000n,
    semantic('long', 'io.debezium.time.MicroDuration'),
  ],
  [baseType('interval'), '-1 days', -86_400_000_000n],
  [baseType('jsonb'), '{"a": 1}', '{"a": 1}', semantic('string', 'io.debezium.data.Json')],
  [baseType('xml'), '<a/>', '<a/>', semantic('string', 'io.debezium.data.Xml')],
  [
    mood,
    'ok',
    'ok',
    { ...semantic('string', 'io.debezium.data.Enum'), 'connect.parameters': { allowed: 'sad,ok' } },
  ],
  [baseType('inet'), '10.0.0.1', '10.0.0.1', 'string'],
  [baseType('tsvector'), "'a':1", "'a':1", semantic('string', 'io.debezium.data.Tsvector')],
  [
    baseType('hstore', { schema: 'public' }),
    '"1"=>"a \\"q\\"", "0"=>NULL',
    '{"1":"a \\"q\\"","0":null}',
    semantic('string', 'io.debezium.data.Json'),
  ],
  [
    baseType('point'),
    '(1.5,-2)',
    { x: 1.5, y: -2, wkb: Buffer.from('0101000000000000000000f83f00000000000000c0', 'hex'), srid: null },
    expect.objectContaining({ 'connect.doc': 'Geometry (POINT)', 'connect.version': 1 }),
  ],
  [
    baseType('geometry', { schema: 'gis' }),
    '0101000020E6100000000000000000F03F0000000000000040',
    { wkb: Buffer.from('0101000020E6100000000000000000F03F0000000000000040', 'hex'), srid: 4326 },
  ],
  [baseType('vector', { schema: 'public' }), '[1,2.5]', [1, 2.5]],
  [arrayType(baseType('int4')), '{1,NULL}', [1, null], { type: 'array', items: ['null', 'int'] }],
  [arrayType(baseType('text')), '{"a b",NULL,""}', ['a b', null, '']],
  [arrayType(numericType(10, 2)), '{1.28}', [Buffer.from([0x00, 0x80])]],
  [arrayType(mood), '{ok}', ['ok']],
];

describe('preset debezium', () => {
  it.each(mapping.map(([type, text, value, schema]) => ({ sql: type.sql, type, text, value, schema })))(
    'maps $sql as Debezium does: $text',
    async ({ type, text, value, schema }) => {
      expect(await outsideValue(debezium, type, text)).toEqual(value);
      if (schema !== undefined) expect(await valueSchema('debezium', type)).toEqual(schema);
    },
  );

  it.each([
    ...['box', 'circle', 'line', 'lseg', 'path', 'polygon', 'pg_lsn', 'tsquery'].map((name) =>
      baseType(name),
    ),
    ...[arrayType(baseType('money')), arrayType(baseType('interval')), arrayType(baseType('bit'))],
    baseType('pair', { schema: 'public', kind: 'composite' }),
    baseType('int4multirange', { kind: 'multirange' }),
  ])('leaves $sql out and says so', async (type) => {
    const reasons = debezium.codec.inexactColumns(tableWith(type));
    expect(reasons).toEqual([{ column: 'value', reason: expect.stringContaining('leaves') }]);
  });

  it('refuses a key of a type it leaves out', async () => {
    const table = { ...tableWith(baseType('pg_lsn')), key: [1] };
    await expect(debezium.codec.encoder('t', table)).rejects.toThrow(/MR-5002.*pg_lsn/);
  });

  const refused: readonly (readonly [ColumnType, string])[] = [
    [numericType(10, 2), 'NaN'],
    [baseType('numeric'), 'Infinity'],
    [baseType('timestamp'), '294276-12-31 23:59:59'],
    [varchar('timestamp', 3), '294247-01-10 04:00:25.2'],
    [arrayType(baseType('int4')), '{{1}}'],
    [arrayType(baseType('int4')), '[0:0]={1}'],
    [arrayType(mood), '{NULL}'],
    [arrayType(numericType(10, 2)), '{NaN}'],
    [arrayType(baseType('text')), '{{a,b},{c,NULL}}'],
    [baseType('interval'), '-178000000 years'],
    [baseType('interval'), 'infinity'],
    [baseType('timetz'), '24:00:00+00'],
    [varchar('varbit', 1), ''],
    [baseType('timestamp'), '294247-01-10 04:00:25.2'],
    [baseType('money'), '1.234,56 €'],
  ];
  it.each(refused.map(([type, text]) => ({ sql: type.sql, type, text })))(
    'refuses what $sql cannot hold rather than changing it: $text',
    async ({ type, text }) => {
      await expect(outsideValue(debezium, type, text)).rejects.toThrow(/MR-5001/);
    },
  );

  it('names every type whose values may change', () => {
    const inexact = (type: ColumnType): boolean => debezium.codec.inexactColumns(tableWith(type)).length > 0;
    expect(
      [
        baseType('interval'),
        baseType('money'),
        baseType('timetz'),
        baseType('numeric'),
        varchar('varbit', 9),
      ].every(inexact),
    ).toBe(true);
    expect([baseType('int4'), numericType(5, 2), baseType('timestamptz')].some(inexact)).toBe(false);
  });
});

describe('preset lossless', () => {
  it('says what its texts are', async () => {
    expect(await valueSchema('lossless', numericType(10, 2))).toEqual({
      ...semantic('string', 'io.millrace.postgres.Text'),
      'connect.parameters': { type: 'numeric(10,2)' },
    });
  });

  it('has no inexact column, whatever the type', () => {
    for (const { type } of valueCorpus) expect(lossless.codec.inexactColumns(tableWith(type))).toEqual([]);
  });

  it('refuses the one thing it has no room for: microsecond timestamps that meet Debezium’s infinity', async () => {
    const timestamp = baseType('timestamp');
    await expect(outsideValue(lossless, timestamp, '294247-01-10 04:00:25.2')).rejects.toThrow(/MR-5001/);
    expect(await outsideValue(lossless, timestamp, '294247-01-10 04:00:25.199999')).toBe(
      9_223_372_036_825_199_999n,
    );
  });

  it('leaves the schemas of existing logs as they are: a point has no description', async () => {
    expect(await valueSchema('lossless', baseType('point'))).not.toHaveProperty('connect.doc');
  });

  it.each(['02', '-0', '1.0', '', '-', '2147483648', '1e3', ' 1'])(
    'refuses %j as an integer',
    async (text) => {
      await expect(outsideValue(lossless, baseType('int4'), text)).rejects.toThrow(/MR-5001/);
    },
  );

  it.each([
    ...[
      '2024-02-30 00:00:00',
      '2024-13-01 00:00:00',
      '2024-01-01',
      '2024-01-01 25:00:00',
      '2024-01-01 00:00:00.10',
    ],
    ...['01/02/2024 00:00:00', '2024-01-01T00:00:00', '2024-01-01 00:00:60', '2023-02-29 00:00:00', 'now'],
  ])('refuses %j as a timestamp', async (text) => {
    await expect(outsideValue(lossless, baseType('timestamp'), text)).rejects.toThrow(/MR-5001/);
  });
});

describe('outside consumers', () => {
  it('read 64-bit integers exactly', async () => {
    const corpus = valueCorpus.find(({ type }) => type.name === 'int8');
    for (const text of corpus?.values ?? [])
      expect(await outsideValue(lossless, baseType('int8'), text)).toBe(BigInt(text));
  });

  const plain = (value: unknown): unknown => {
    if (Buffer.isBuffer(value)) return value.toString('base64');
    if (typeof value === 'bigint') return Number(value);
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
  };

  it.each(['lossless', 'debezium'] as const)(
    'read the same from Avro and JSON under preset %s',
    async (preset) => {
      const avro = benchOf('avro', preset);
      const json = benchOf('json', preset);
      for (const { type, values } of valueCorpus) {
        for (const text of [...values, null]) {
          const a = await outsideValue(avro, type, text).catch(String);
          const j = await outsideValue(json, type, text).catch(String);
          // JSON carries a float4 in its shortest form; as a double that is another number.
          const single = (value: unknown): unknown =>
            typeof value === 'number' ? Math.fround(value) : value;
          if (type.name === 'float4') expect(single(j)).toEqual(single(plain(a)));
          else expect(j).toEqual(plain(a));
        }
      }
    },
  );
});
