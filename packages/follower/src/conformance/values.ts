import type { ColumnType, Row } from '@millrace/model';
import { describe, expect, test } from 'vitest';
import type { Bench } from './bench.js';
import { driverOn, faultOf } from './driver.js';
import {
  column,
  int4Array,
  int4Range,
  mirrored,
  mood,
  positive,
  relation,
  textArray,
  types,
} from './shapes.js';

const longest63 = `${'é'.repeat(31)}x`;

/** Names that a careless quoting, a prototype or a fold of case would break. */
const nastyNames = [
  'select',
  'with "quotes"',
  'dot.ted',
  "it's",
  'back\\slash',
  '$1',
  '%s',
  '{"a":1}',
  ' leading and trailing ',
  'new\nline',
  'Case',
  'case',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '名前',
  longest63,
  '-- comment',
  ';drop table x',
];

/** Values by type, in PostgreSQL's own text form, so that what comes back must be the same text. */
const nastyValues: readonly (readonly [string, ColumnType, readonly string[]])[] = [
  [
    'text',
    types.text,
    [
      '',
      ' ',
      'null',
      'NULL',
      '\\N',
      '\\',
      '"',
      "'",
      ',',
      '{}',
      'a\tb\nc\rd',
      '\u0001',
      '🦀é',
      '__proto__',
      'x'.repeat(100_000),
    ],
  ],
  ['int2', types.int2, ['-32768', '32767', '0']],
  ['int8', types.int8, ['-9223372036854775808', '9223372036854775807', '9007199254740993']],
  ['oid', types.oid, ['4294967295', '0']],
  ['bool', types.bool, ['t', 'f']],
  ['float4', types.float4, ['3.4028235e+38', '1e-45', 'NaN', 'Infinity', '-Infinity', '-0', '0.1']],
  [
    'float8',
    types.float8,
    [
      '1.7976931348623157e+308',
      '5e-324',
      'NaN',
      'Infinity',
      '-Infinity',
      '-0',
      '0.1',
      '0.30000000000000004',
      '1e+21',
      '1.2345678901234568e+17',
      '123456789012345',
    ],
  ],
  [
    'numeric',
    types.numeric,
    ['NaN', 'Infinity', '-Infinity', '1.10', '1.1', `0.${'0'.repeat(100)}1`, '9'.repeat(200)],
  ],
  [
    'numeric(38,10)',
    types.numeric38_10,
    [`${'9'.repeat(28)}.9999999999`, '-0.0000000001', '0.0000000000', 'NaN'],
  ],
  ['numeric(50,5)', types.numeric50_5, [`-${'9'.repeat(45)}.99999`, '0.00000']],
  ['money', types.money, ['$1,234.50', '-$0.01']],
  [
    'date',
    types.date,
    ['infinity', '-infinity', '0001-01-01', '4713-01-01 BC', '5874897-12-31', '2024-02-29'],
  ],
  ['time', types.time, ['00:00:00', '24:00:00', '23:59:59.999999']],
  ['timetz', types.timetz, ['23:59:59.999999+15:59', '00:00:00-12', '12:00:00+00']],
  [
    'timestamp',
    types.timestamp,
    [
      'infinity',
      '-infinity',
      '0001-01-01 00:00:00',
      '4713-01-01 00:00:00 BC',
      '294276-12-31 23:59:59.999999',
      '2024-02-29 12:34:56.7',
    ],
  ],
  [
    'timestamptz',
    types.timestamptz,
    [
      'infinity',
      '-infinity',
      '0044-03-15 12:00:00+00 BC',
      '294276-12-31 23:59:59.999999+00',
      '1999-12-31 23:59:59.000001+00',
    ],
  ],
  [
    'interval',
    types.interval,
    ['1 year 2 mons -3 days +04:05:06.789', '00:00:00', '-178000000 years', '24:00:00', '1 day'],
  ],
  ['bytea', types.bytea, ['\\x', '\\x00ff', '\\x5c78']],
  ['uuid', types.uuid, ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']],
  ['json', types.json, ['{"b": 1,  "a":1,"a":2}', 'null', '"\\u00e9"', '[]']],
  ['jsonb', types.jsonb, ['{"a": 2}', 'null', '1.10', '[]']],
  ['inet', types.inet, ['10.0.0.1', '10.0.0.0/8', '::1', 'fe80::1/64']],
  ['bit(8)', types.bit8, ['00000000', '10101010']],
  ['varbit', types.varbit, ['1', '101']],
  ['varchar(10)', types.varchar10, ['          ', 'é'.repeat(10)]],
  ['int4[]', int4Array, ['{}', '{1,NULL,-3}', '{{1,2},{3,4}}', '[0:1]={5,6}']],
  ['text[]', textArray, ['{"",NULL,"NULL","a,b","{}","\\"q\\"","back\\\\slash"}']],
  ['int4range', int4Range, ['empty', '[1,5)', '(,)', '[3,)']],
  ['enum', mood, ['sad', 'it\'s "fine"']],
  ['domain', positive, ['1', '2147483647']],
];

/** Exact names and values, or none (promise 8). */
export function describeNamesAndValues(bench: Bench): void {
  describe('names and values', () => {
    test('any name PostgreSQL allows works for columns, keys included', async () => {
      const driver = await driverOn(await bench.open());
      const columns = nastyNames.map((name, i) => column(i + 1, name, types.text));
      const table = mirrored(relation({ name: 'named', columns, key: [1, 12, 11] }));
      await driver.create(table);
      const row = nastyNames.map((name) => `value of ${name}`);
      await driver.write(table, { upserts: [row] });
      const patch = row.map((cell, i) =>
        [1, 12, 11].includes(i) ? cell : i % 2 ? undefined : `new ${cell}`,
      );
      await driver.write(table, { patches: [patch] });
      expect(await driver.rows(table)).toEqual([row.map((cell, i) => patch[i] ?? cell)]);
      await driver.write(table, { deletes: [[1, 12, 11].map((i) => row[i] as string)] });
      expect(await driver.rows(table)).toEqual([]);
    });

    test('any name PostgreSQL allows works for tables and schemas, and none meets another', async () => {
      const driver = await driverOn(await bench.open());
      const tables = nastyNames.map((name) =>
        mirrored(relation({ schema: name, name, columns: [column(1, 'v', types.text)] })),
      );
      await driver.create(...tables);
      await driver.apply(async (tx) => {
        for (const table of tables) {
          const upserts: Row[] = [[table.relation.name]];
          await tx.write({ table, upserts, patches: [], moves: [], deletes: [], inserts: [], removes: [] });
        }
      });
      for (const table of tables) expect(await driver.rows(table)).toEqual([[table.relation.name]]);
      expect(await driver.follower.tables()).toHaveLength(nastyNames.length);
    });

    test.each(nastyValues)(
      '%s is exact or refused, in every way a value can be written',
      async (name, type, all) => {
        const refused = bench.refused(name);
        const values = all.filter((value) => !refused.includes(value));
        const driver = await driverOn(await bench.open());
        const keyed = mirrored(
          relation({
            name: 'typed',
            columns: [column(1, 'id', types.int4), column(2, 'v', type), column(3, 'w', type)],
          }),
        );
        const pile = mirrored(relation({ name: 'pile', columns: [column(1, 'v', type)], key: [] }));
        await driver.create(keyed, pile);
        const rows: Row[] = values.map((value, i) => [String(i), value, null]);
        await driver.write(keyed, { upserts: [...rows, [String(rows.length), null, null]] });
        await driver.write(keyed, { patches: values.map((value, i) => [String(i), undefined, value]) });
        const expected: Row[] = values.map((value, i) => [String(i), value, value]);
        expect(await driver.rows(keyed)).toEqual([...expected, [String(rows.length), null, null]]);
        await driver.write(pile, { inserts: [...values, ...values].map((value) => [value]) });
        await driver.write(pile, { removes: values.map((value) => [value]) });
        const left = (await driver.rows(pile)).map((row) => row[0]);
        expect(left.sort()).toEqual([...values].sort());
        for (const value of refused) {
          expect(await faultOf(driver.write(keyed, { upserts: [['0', value, null]] })), value).toBe(
            'MR-5001',
          );
          expect(await faultOf(driver.write(pile, { inserts: [[value]] })), value).toBe('MR-5001');
        }
        expect(await driver.rows(keyed)).toEqual([...expected, [String(rows.length), null, null]]);
      },
    );

    test('a column added with any of these types reads its missing value', async () => {
      const driver = await driverOn(await bench.open());
      const first = mirrored(relation({ name: 'grown', columns: [column(1, 'id', types.int4)] }));
      await driver.create(first);
      await driver.write(first, { upserts: [['1']] });
      const added = nastyValues.map(([name, type, values], i) =>
        column(i + 2, name, type, {
          missing: values.find((one) => !bench.refused(name).includes(one)) as string,
        }),
      );
      const second = {
        ...first,
        version: 2,
        relation: { ...first.relation, columns: [...first.relation.columns, ...added] },
      };
      await driver.apply((tx) =>
        tx.evolve(
          second,
          added.map((one) => ({ kind: 'add-column', column: one })),
        ),
      );
      expect(await driver.rows(second)).toEqual([['1', ...added.map((one) => one.missing)]]);
    });
  });
}
