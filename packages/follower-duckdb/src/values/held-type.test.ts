import { shapes } from '@millrace/follower/conformance';
import type { ColumnType } from '@millrace/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dateOf, daysOf } from './calendar.js';
import { decimalShape } from './decimals.js';
import { writeFloat4, writeFloat8 } from './floats.js';
import { heldTypeOf } from './held-type.js';
import { readInterval, writeInterval } from './temporal.js';

const { types } = shapes;

const roundTrip = (type: ColumnType, text: string): string | undefined => {
  const held = heldTypeOf(type);
  const value = held.read(text);
  return value === undefined ? undefined : held.write(value);
};

describe('a value held in DuckDB', () => {
  test('int8 comes back as it went', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(roundTrip(types.int8, String(value))).toBe(String(value));
      }),
    );
  });

  test('numeric(38,10) comes back digit by digit', () => {
    const bound = 10n ** 38n - 1n;
    fc.assert(
      fc.property(fc.bigInt({ min: -bound, max: bound }), (value) => {
        const digits = String(value < 0n ? -value : value).padStart(11, '0');
        const text = `${value < 0n ? '-' : ''}${digits.slice(0, -10)}.${digits.slice(-10)}`;
        expect(roundTrip(types.numeric38_10, text)).toBe(text);
      }),
    );
  });

  test.each(['1.00000000001', '1'.repeat(29), 'NaN', '1e5', '', '--1'])(
    'numeric(38,10) refuses %s',
    (text) => {
      expect(roundTrip(types.numeric38_10, text)).toBeUndefined();
    },
  );

  test.each([
    [types.int2, '32768'],
    [types.int4, ''],
    [types.int4, '0x10'],
    [types.int8, 'abc'],
    [types.int4, '2147483648'],
    [types.oid, '-1'],
    [types.int8, '9223372036854775808'],
    [types.bool, 'true'],
    [types.uuid, 'not-a-uuid'],
    [types.date, '2024-1-1'],
    [types.timestamp, '2024-01-01 00:00:00+00'],
    [types.timestamptz, '2024-01-01 00:00:00'],
    [types.timestamptz, '2024-01-01 00:00:00+02'],
    [types.float8, 'abc'],
    [types.time, '1:00'],
    [types.bytea, 'abc'],
  ])('$sql refuses what it cannot hold or does not understand: %s', (type, text) => {
    expect(roundTrip(type, text)).toBeUndefined();
  });

  test('any day of PostgreSQL’s calendar is told forwards and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_440_588, max: 2_145_042_541 }), (days) => {
        expect(daysOf(...(dateOf(days) as [number, number, number]))).toBe(days);
      }),
    );
    expect(dateOf(0)).toEqual([1970, 1, 1]);
    expect(dateOf(11_016)).toEqual([2000, 2, 29]);
  });

  test('every microsecond of a timestamp is kept, before 1970 as well', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -210_866_803_200_000_000n, max: 253_402_300_799_999_999n }), (micros) => {
        const held = heldTypeOf(types.timestamptz);
        const value = held.read(held.write({ micros } as never)) as { micros: bigint } | undefined;
        expect(value?.micros).toBe(micros);
      }),
    );
  });

  test('intervals keep months, days and microseconds apart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -2_136_000_000, max: 2_136_000_000 }),
        fc.integer({ min: -2_147_483_647, max: 2_147_483_647 }),
        fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
        (months, days, micros) => {
          const value = readInterval(writeInterval({ months, days, micros } as never));
          expect([value?.months, value?.days, value?.micros]).toEqual([months, days, micros]);
        },
      ),
    );
  });

  test('floats are written as PostgreSQL writes them, and read back the same', () => {
    const cases: readonly (readonly [number, string])[] = [
      [1e15, '1e+15'],
      [123_456_789_012_345, '123456789012345'],
      [0.0001, '0.0001'],
      [0.00001, '1e-05'],
      [-1.5e300, '-1.5e+300'],
      [100, '100'],
    ];
    for (const [value, text] of cases) expect(writeFloat8(value)).toBe(text);
    expect(writeFloat4(Math.fround(0.1))).toBe('0.1');
    expect(writeFloat4(1_000_000)).toBe('1e+06');
    expect(writeFloat4(16_777_216)).toBe('1.6777216e+07');
    expect(heldTypeOf(types.float8).read('-0')).toBeUndefined();
    expect(heldTypeOf(types.float4).read('-0')).toBeUndefined();
    const isHeld = (value: number): boolean => !Object.is(value, -0);
    fc.assert(
      fc.property(fc.double({ noNaN: true }).filter(isHeld), (value) => {
        expect(Object.is(heldTypeOf(types.float8).read(writeFloat8(value)), value)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.float({ noNaN: true }).filter(isHeld), (value) => {
        expect(Object.is(heldTypeOf(types.float4).read(writeFloat4(value)), value)).toBe(true);
      }),
    );
  });

  test('numeric without DuckDB’s like is held as text: no typmod, too wide, negative scale, scale above precision', () => {
    const typmod = (precision: number, scale: number): number => ((precision << 16) | (scale & 0x7ff)) + 4;
    expect(decimalShape(-1)).toBeUndefined();
    expect(decimalShape(typmod(39, 0))).toBeUndefined();
    expect(decimalShape(typmod(3, -2))).toBeUndefined();
    expect(decimalShape(typmod(2, 4))).toBeUndefined();
    expect(decimalShape(typmod(38, 38))).toEqual({ width: 38, scale: 38 });
  });
});
