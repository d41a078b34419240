import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { MirroredTable } from '@millrace/follower';
import { batchOf, type Driver, driverOn, faultOf, shapes, sortedRows } from '@millrace/follower/conformance';
import { type Column, type ColumnType, diffRelations } from '@millrace/model';
import { silentLogger, systemClock } from '@millrace/runtime';
import { removeTempFolder, tempFolder } from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDuckDbFollower } from './follower.js';

const { column, mirrored, relation, types } = shapes;
const id = column(1, 'id', types.int4);

describe('DuckDB tables', () => {
  let folder: string;
  let path: string;
  let driver: Driver;

  beforeEach(async () => {
    folder = tempFolder('duckdb-tables');
    path = join(folder, 'copy.duckdb');
    driver = await driverOn(
      createDuckDbFollower({ path, name: 'copy', clock: systemClock, logger: silentLogger }),
    );
  });
  afterEach(async () => {
    await driver.follower.close();
    removeTempFolder(folder);
  });

  async function created(columns: readonly Column[], key?: readonly number[]): Promise<MirroredTable> {
    const table = mirrored(relation({ name: 't', columns, ...(key ? { key } : {}) }));
    await driver.create(table);
    return table;
  }

  function next(table: MirroredTable, columns: readonly Column[]): MirroredTable {
    const keyed = columns.map((one) => (one.attnum === 1 ? { ...one, notNull: true } : one));
    return { ...table, version: table.version + 1, relation: { ...table.relation, columns: keyed } };
  }

  const evolve = (from: MirroredTable, to: MirroredTable): Promise<void> =>
    driver.apply((tx) => tx.evolve(to, diffRelations(from.relation, to.relation)));

  test.each<readonly [ColumnType, ColumnType, string, string]>([
    [types.float8, types.text, '1e+15', '1e+15'],
    [types.bool, types.text, 't', 't'],
    [types.timestamptz, types.text, '2024-02-29 12:34:56.7+00', '2024-02-29 12:34:56.7+00'],
    [types.text, types.int8, '9007199254740993', '9007199254740993'],
    [types.int4, types.numeric38_10, '-7', '-7.0000000000'],
    [types.bytea, types.text, '\\x00ff', '\\x00ff'],
    [types.interval, types.text, '1 mon', '1 mon'],
  ])(
    'a column may go from $sql to $sql, its values kept as PostgreSQL writes them',
    async (from, to, was, is) => {
      const first = await created([id, column(2, 'v', from)]);
      await driver.write(first, {
        upserts: [
          ['1', was],
          ['2', null],
        ],
      });
      const second = next(first, [id, column(2, 'v', to), column(3, 'added', types.text, { missing: 'x' })]);
      await evolve(first, second);
      expect(await driver.rows(second)).toEqual([
        ['1', is, 'x'],
        ['2', null, 'x'],
      ]);
      await driver.write(second, { patches: [['1', undefined, 'y']] });
      expect(await driver.rows(second)).toContainEqual(['1', is, 'y']);
    },
  );

  test('a change of type that a value does not survive is refused, and changes nothing', async () => {
    const first = await created([id, column(2, 'v', types.text)]);
    await driver.write(first, { upserts: [['1', 'not a number']] });
    const second = next(first, [id, column(2, 'v', types.int4)]);
    expect(await faultOf(evolve(first, second))).toBe('MR-5001');
    expect(await driver.rows(first)).toEqual([['1', 'not a number']]);
  });

  test('rows of the same transaction are carried through a change of type', async () => {
    const first = await created([id, column(2, 'v', types.int4)]);
    await driver.write(first, {
      upserts: [
        ['1', '10'],
        ['2', '20'],
      ],
    });
    const second = next(first, [id, column(2, 'v', types.float8)]);
    await driver.apply(async (tx) => {
      await tx.write(batchOf(first, { upserts: [['3', '30']], deletes: [['1']] }));
      await tx.evolve(second, diffRelations(first.relation, second.relation));
      await tx.write(batchOf(second, { upserts: [['4', '0.5']], patches: [['2', '2.5']] }));
    });
    expect(await driver.rows(second)).toEqual([
      ['2', '2.5'],
      ['3', '30'],
      ['4', '0.5'],
    ]);
  });

  test('a column named rowid does not hide the rows’ addresses from the removal of copies', async () => {
    const bag = await created([column(1, 'rowid', types.int4), column(2, 'ROWID', types.text)], []);
    await driver.write(bag, {
      inserts: [
        ['1', 'x'],
        ['1', 'x'],
        ['2', 'y'],
      ],
    });
    await driver.write(bag, { removes: [['1', 'x']] });
    expect(sortedRows(await driver.rows(bag))).toEqual(
      sortedRows([
        ['1', 'x'],
        ['2', 'y'],
      ]),
    );
  });

  test('copies that DuckDB finds equal but PostgreSQL writes apart are not mistaken for each other', async () => {
    const bag = await created([column(1, 'i', types.interval)], []);
    await driver.write(bag, { inserts: [['1 mon'], ['30 days'], ['1 mon']] });
    await driver.write(bag, { removes: [['30 days']] });
    expect(await driver.rows(bag)).toEqual([['1 mon'], ['1 mon']]);
  });

  test('ranges of numbers held as text go by value', async () => {
    const table = await created([column(1, 'n', types.numeric)]);
    await driver.write(table, { upserts: [['2'], ['10'], ['9.5'], ['-3']] });
    await driver.apply((tx) => tx.deleteRange(table, { after: ['2'], upTo: ['10'] }, [['10']]));
    expect(sortedRows(await driver.rows(table))).toEqual(sortedRows([['-3'], ['2'], ['10']]));
  });

  test('a range of keys without a common order is refused, all of them may go', async () => {
    const table = await created([column(1, 'n', types.inet)]);
    await driver.write(table, { upserts: [['10.0.0.1'], ['::1']] });
    const range = driver.apply((tx) => tx.deleteRange(table, { after: ['10.0.0.1'], upTo: null }, []));
    expect(await faultOf(range)).toBe('MR-4008');
    await driver.apply((tx) => tx.deleteRange(table, { after: null, upTo: null }, [['::1']]));
    expect(await driver.rows(table)).toEqual([['::1']]);
  });

  test('a table that somebody else made is not touched', async () => {
    await driver.follower.close();
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run(
      'CREATE SCHEMA public; CREATE TABLE public."T"(mine INTEGER); INSERT INTO public."T" VALUES (1)',
    );
    connection.closeSync();
    instance.closeSync();
    driver = await driverOn(driver.follower);
    const table = mirrored(relation({ name: 't', columns: [id] }));
    expect(await faultOf(driver.create(table))).toBe('MR-4008');
  });

  test('names that differ in case only stay apart, through renames too', async () => {
    const first = await created([id, column(2, 'Total', types.int4), column(3, 'total', types.int4)]);
    await driver.write(first, { upserts: [['1', '10', '20']] });
    const second = next(first, [id, column(2, 'TOTAL', types.int4), column(3, 'Total', types.int4)]);
    await evolve(first, second);
    expect(await driver.rows(second)).toEqual([['1', '10', '20']]);
    await driver.write(second, { patches: [['1', undefined, '21']] });
    expect(await driver.rows(second)).toEqual([['1', '10', '21']]);
  });
});
