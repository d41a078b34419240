import type { ColumnType } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayType,
  baseType,
  numericType,
  sampleChange,
  sampleContext,
  sampleTopic,
} from './conformance/index.js';
import { benchOf, tableWith } from './testing/encode-value.js';
import { arrayText } from './values/array-text.js';
import { civil, dateText, timeText } from './values/calendar.js';

const benches = (['lossless', 'debezium'] as const).flatMap((preset) =>
  (['avro', 'json'] as const).map((format) => benchOf(format, preset)),
);

const day_us = 86_400_000_000;
const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
const int8 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc
    .tuple(fc.nat(62), fc.integer({ min: -2, max: 2 }))
    .map(([bits, near]) => 2n ** BigInt(bits) + BigInt(near)),
);
const date = fc.integer({ min: -2_440_588, max: 2_145_042_905 }).map((days) => {
  const form = dateText(days);
  return civil.year > 0 ? form : `${form} BC`;
});
const time = fc.integer({ min: 0, max: day_us }).map(timeText);
/** Days up to the last whole one before Debezium's infinity. */
const timestamp = fc
  .tuple(fc.integer({ min: -2_440_588, max: 106_751_990 }), fc.integer({ min: 0, max: day_us - 1 }))
  .map(([days, tod_us]) => {
    const form = `${dateText(days)} ${timeText(tod_us)}`;
    return civil.year > 0 ? form : `${form} BC`;
  });
const digits = (max: number) => fc.stringMatching(new RegExp(`^(?:0|[1-9][0-9]{0,${max - 1}})$`));
const money = fc
  .tuple(fc.constantFrom('', '-'), digits(14), fc.stringMatching(/^[0-9]{6}$/))
  .map(([sign, whole, fraction]) =>
    Number(whole + fraction) === 0 ? `0.${fraction}` : `${sign}${whole}.${fraction}`,
  );

const quoted = (inner: string): string => `"${inner.replace(/["\\]/g, '\\$&')}"`;
const hstoreText = (pairs: readonly (readonly [string, string | null])[]): string =>
  pairs.map(([key, value]) => `${quoted(key)}=>${value === null ? 'NULL' : quoted(value)}`).join(', ');

const types: readonly (readonly [ColumnType, fc.Arbitrary<string>])[] = [
  [baseType('text'), text],
  [baseType('int4'), fc.integer().map(String)],
  [baseType('int8'), int8.map(String)],
  [baseType('bool'), fc.constantFrom('t', 'f')],
  [
    baseType('bytea'),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  ],
  [baseType('bit', { typmod: 21, sql: 'bit(21)' }), fc.stringMatching(/^[01]{21}$/)],
  [baseType('date'), date],
  [baseType('time'), time],
  [baseType('timestamp'), timestamp],
  [
    baseType('timestamptz'),
    timestamp.map((form) => (form.endsWith(' BC') ? form.replace(' BC', '+00 BC') : `${form}+00`)),
  ],
  [numericType(20, 6), money],
  [arrayType(baseType('text')), fc.array(fc.option(text)).map(arrayText)],
  [baseType('hstore', { schema: 'public' }), fc.array(fc.tuple(text, fc.option(text))).map(hstoreText)],
  [arrayType(baseType('int8')), fc.array(fc.option(int8.map(String))).map(arrayText)],
];

describe('any value comes back byte for byte', () => {
  for (const [type, values] of types) {
    it.each(benches)(`${type.sql} through $codec.name`, async (bench) => {
      const relation = tableWith(type);
      const encoder = await bench.codec.encoder(sampleTopic, relation);
      const decoder = await bench.codec.decoder(sampleTopic, relation);
      fc.assert(
        fc.property(fc.option(values), (value) => {
          const row = ['1', value];
          const out = new ByteWriter();
          encoder.value('c', sampleChange(relation, null, row), sampleContext, out);
          expect(decoder.decode(out.view(), () => false).after).toEqual(row);
        }),
        { numRuns: 300 },
      );
    });
  }
});
