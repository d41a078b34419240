import avsc from 'avsc';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseType, columnOf, tableOf } from '../conformance/index.js';
import { benchOf } from '../testing/encode-value.js';
import { avroFieldNames, avroName, avroSchemaName } from './names.js';

describe('Avro names', () => {
  it('follow Debezium’s rule `avro`', () => {
    expect(['ok_1', 'a b', '1st', 'ü', 'a.b', '__proto__'].map(avroName)).toEqual([
      'ok_1',
      'a_b',
      '_1st',
      '_',
      'a_b',
      '__proto__',
    ]);
    expect(avroSchemaName('shop.public.my-table')).toBe('shop.public.my_table');
  });

  it('that meet are an error as in Debezium, or spelled out where everything must be carried', () => {
    const columns = ['a b', 'a_b', 'a.b', 'c'];
    expect(() => avroFieldNames(columns, 't', 'refuse')).toThrow(/MR-5002.*"a_b"/);
    expect(avroFieldNames(columns, 't', 'spell')).toEqual(['a_u0020b', 'a_b', 'a_u002eb', 'c']);
  });

  it('are legal and different for any set of columns', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 });
    const tricky = fc.stringMatching(/^[a_ ]{1,3}(?:_u0020|_u005f|_2)?$/);
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(name, tricky), { minLength: 1, maxLength: 30 }), (columns) => {
        const names = avroFieldNames(columns, 't', 'spell');
        expect(new Set(names).size).toBe(columns.length);
        for (const field of names) expect(field).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
      }),
      { numRuns: 2000 },
    );
  });

  it('of two topics that become one are refused under preset debezium, as there', async () => {
    const table = tableOf([columnOf(1, 'id', baseType('int4'))]);
    const { codec } = benchOf('avro', 'debezium');
    await codec.encoder('shop.public.a-b', table);
    await codec.encoder('shop.public.a-b', table);
    await expect(codec.encoder('shop.public.a_b', table)).rejects.toThrow(/MR-5002.*a-b/);
    const lossless = benchOf('avro', 'lossless').codec;
    await lossless.encoder('shop.public.a-b', table);
    await lossless.encoder('shop.public.a_b', table);
  });

  it('make schemas that avsc accepts for any table', async () => {
    const { codec, schemas } = benchOf('avro', 'lossless');
    const names = ['1 2', '3.4', 'ü', 'Ü', '"', "'", 'point', 'a', 'A'];
    const topic = 'shop.1st schema.tä-ble';
    const columns = names.map((name, i) => columnOf(i + 1, name, baseType(i > 5 ? 'point' : 'text')));
    await codec.encoder(topic, tableOf(columns));
    const [version] = await schemas.versions(`${topic}-value`);
    const schema = JSON.parse((await schemas.get(version?.id ?? 0)) as string);
    expect(avsc.Type.forSchema(schema, { wrapUnions: true }).name).toBe('shop._1st_schema.t__ble.Envelope');
  });
});
