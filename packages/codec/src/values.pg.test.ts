import type { ColumnType } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import {
  type PostgresVersion,
  pgDatabase,
  postgresVersions,
  type TestDatabase,
} from '@millrace/test-support';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  baseType,
  columnOf,
  numericType,
  sampleChange,
  sampleContext,
  sampleTopic,
  tableOf,
  valueCorpus,
} from './conformance/index.js';
import { createCodec } from './create-codec.js';
import type { Codec } from './port.js';
import { memorySchemaStore } from './schema-store/table-store.js';
import { float4Text, float8Text } from './wire/float-text.js';

/** The session whose text a RowImage holds. */
const session = `SET DateStyle = ISO; SET IntervalStyle = postgres; SET extra_float_digits = 1; SET bytea_output = hex;
  SET TimeZone = 'UTC'; SET lc_monetary = 'C'`;

const codecs: readonly Codec[] = (['avro', 'json'] as const).map((format) =>
  createCodec({
    ...{ format, preset: 'lossless', schemas: memorySchemaStore() },
    ...{ connectorName: 'shop', database: 'shop', version: '0.1.0' },
  }),
);

/** Sends each value through a codec and expects it back. */
async function expectBack(codec: Codec, type: ColumnType, values: readonly string[]): Promise<void> {
  const relation = tableOf([columnOf(1, 'id', baseType('int4')), columnOf(2, 'value', type)]);
  const encoder = await codec.encoder(sampleTopic, relation);
  const decoder = await codec.decoder(sampleTopic, relation);
  const back = values.map((value) => {
    const out = new ByteWriter();
    encoder.value('c', sampleChange(relation, null, ['1', value]), sampleContext, out);
    return decoder.decode(out.view(), () => false).after?.[1];
  });
  expect(back).toEqual(values);
}

/** Random values in the server's own words: SQL that yields `count` texts from g = 1 … count. */
const randomValues: readonly (readonly [ColumnType, string])[] = [
  [baseType('int2'), `(random() * 65535 - 32768)::int::int2`],
  [baseType('int4'), `(random() * 4294967295 - 2147483648)::bigint::int4`],
  [baseType('int8'), `((random() * 2 - 1) * 9.2e18)::numeric::bigint >> (g % 60)`],
  [baseType('oid'), `(random() * 4294967295)::bigint::oid`],
  [numericType(20, 6), `((random() - 0.5) * 1e13)::numeric(20,6)`],
  [baseType('date'), `date '4713-01-01 BC' + (random() * 2147483000)::int`],
  [baseType('time'), `time '00:00' + random() * interval '1 day'`],
  [baseType('timetz'), `(time '00:00' + random() * interval '1 day')::timetz`],
  [
    baseType('timestamp'),
    `timestamp '4713-01-01 BC' + random() * interval '4000 years' + (g % 290) * interval '1000 years'`,
  ],
  [
    baseType('timestamp', { typmod: 3, sql: 'timestamp(3)' }),
    `(timestamp '1600-01-01' + random() * interval '1000 years')::timestamp(3)`,
  ],
  [
    baseType('timestamptz'),
    `timestamptz '4713-01-01 BC' + random() * interval '9000 years' + (g % 10) * interval '20000 years'`,
  ],
  [baseType('interval'), `(random() - 0.5) * interval '1000 years 1 mon 1 day 1 hour'`],
  [baseType('float8'), `(random() - 0.5) * 10 ^ (random() * 600 - 300)`],
  [baseType('float4'), `((random() - 0.5) * 10 ^ (random() * 70 - 35))::float4`],
  [baseType('point'), `point(random() * 10 ^ (random() * 40 - 20), -random())`],
  [baseType('bit', { typmod: 40, sql: 'bit(40)' }), `(random() * 1e12)::bigint::bit(40)`],
  [baseType('uuid'), `gen_random_uuid()`],
  [baseType('bytea'), `decode(md5(g::text), 'hex')`],
];
const randomValues_count = 1000;

describe.each(postgresVersions)('values of PostgreSQL %i', (version: PostgresVersion) => {
  let database: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    database = await pgDatabase(version);
    client = await database.connect();
    await client.query(session);
    for (const { setUp } of valueCorpus) if (setUp) await client.query(setUp);
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  const texts = async (sql: string, parameters: unknown[] = []): Promise<string[]> => {
    const { rows } = await client.query<{ value: string }>(sql, parameters);
    return rows.map(({ value }) => value);
  };

  it.each(valueCorpus)(
    '$type.sql: what the server prints comes back from Avro and JSON byte for byte',
    async (corpus) => {
      const { type, values } = corpus;
      const quoted = type.name === 'char' && type.sql === 'char' ? '"char"' : type.sql;
      const printed = await texts(
        `SELECT concat(value::${quoted}) AS value FROM unnest($1::text[]) WITH ORDINALITY AS given (value, n) ORDER BY n`,
        [values],
      );
      // concat prints by the type's output function, as pgoutput does; a cast to text differs (bool, inet, char).
      expect(printed).toEqual(values);
      for (const codec of codecs) await expectBack(codec, type, values);
    },
  );

  it.each(randomValues.map(([type, expression]) => ({ sql: type.sql, type, expression })))(
    '$sql: random values of the server come back',
    async ({ type, expression }) => {
      const printed = await texts(
        `SELECT concat(${expression}) AS value FROM generate_series(1, ${randomValues_count}) g`,
      );
      expect(printed).toHaveLength(randomValues_count);
      for (const codec of codecs) await expectBack(codec, type, printed);
    },
  );

  it('floats of any bit pattern are printed as the server prints them', async () => {
    const count = 20_000;
    // Numbers reach the server as JavaScript prints them, which loses the sign of −0; the corpus has it.
    const printable = (value: number): boolean => Number.isFinite(value) && value !== 0;
    const bits = new DataView(new ArrayBuffer(8));
    const random32 = (): number => Math.floor(Math.random() * 2 ** 32);
    const doubles: number[] = [];
    const singles: number[] = [];
    for (let i = 0; i < count; i++) {
      bits.setUint32(0, random32());
      // Many numbers of few mantissa bits: powers of two and halfway cases.
      bits.setUint32(4, i % 4 === 0 ? 0 : random32());
      if (i % 8 === 0) bits.setUint32(0, bits.getUint32(0) & 0xfff0_0000);
      if (printable(bits.getFloat64(0))) doubles.push(bits.getFloat64(0));
      if (printable(bits.getFloat32(0))) singles.push(bits.getFloat32(0));
    }
    // Integers around 10^n, where a shortest decimal may lie on the bound of its interval.
    for (let n = 15; n < 40; n++)
      for (let near = -20; near <= 20; near++)
        doubles.push(10 ** n + near * 2 ** Math.max(0, Math.floor(n * 3.32) - 53));
    const column = `SELECT concat(value) AS value FROM unnest($1`;
    const printedDoubles = await texts(`${column}::float8[]) AS value`, [doubles.map(String)]);
    expect(doubles.map(float8Text)).toEqual(printedDoubles);
    const printedSingles = await texts(`${column}::float4[]) AS value`, [
      singles.map((value) => value.toPrecision(17)),
    ]);
    expect(singles.map(float4Text)).toEqual(printedSingles);
  });
});
