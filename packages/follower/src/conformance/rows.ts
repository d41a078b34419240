import { describe, expect, test } from 'vitest';
import type { Bench } from './bench.js';
import { batchOf, type Driver, driverOn, faultOf, sortedRows } from './driver.js';
import { column, itemsTable, keylessTable, mirrored, mood, relation, types } from './shapes.js';

const items = itemsTable();
const bag = keylessTable();

async function started(bench: Bench, state: 'exact' | 'building' = 'exact'): Promise<Driver> {
  const driver = await driverOn(await bench.open(), state);
  await driver.create(items, bag);
  return driver;
}

/** What a batch does to rows. */
export function describeRows(bench: Bench): void {
  describe('keyed rows', () => {
    test('an upsert inserts a row or replaces it whole, nulls included', async () => {
      const driver = await started(bench);
      await driver.write(items, {
        upserts: [
          ['2', 'two', '2.5000000000', 'b'],
          ['1', 'one', '1.0000000000', 'a'],
        ],
      });
      await driver.write(items, {
        upserts: [
          ['1', null, '-0.0000000001', null],
          ['3', '', null, ''],
        ],
      });
      expect(await driver.rows(items)).toEqual([
        ['1', null, '-0.0000000001', null],
        ['2', 'two', '2.5000000000', 'b'],
        ['3', '', null, ''],
      ]);
    });

    test('a patch changes present cells only, to null as well', async () => {
      const driver = await started(bench);
      await driver.write(items, {
        upserts: [
          ['1', 'one', '1.0000000000', 'long'],
          ['2', 'two', '2.0000000000', 'longer'],
          ['3', 'three', '3.0000000000', 'longest'],
        ],
      });
      await driver.write(items, {
        patches: [
          ['1', 'uno', null, undefined],
          ['2', undefined, '2.2000000000', undefined],
          ['3', undefined, undefined, undefined],
        ],
      });
      expect(await driver.rows(items)).toEqual([
        ['1', 'uno', null, 'long'],
        ['2', 'two', '2.2000000000', 'longer'],
        ['3', 'three', '3.0000000000', 'longest'],
      ]);
    });

    test('a move changes the key and keeps absent cells', async () => {
      const driver = await started(bench);
      await driver.write(items, {
        upserts: [
          ['1', 'one', '1.0000000000', 'long'],
          ['2', 'two', null, 'longer'],
        ],
      });
      await driver.write(items, {
        moves: [
          { key: ['1'], row: ['10', 'ten', undefined, undefined] },
          { key: ['2'], row: ['20', undefined, '2.0000000000', undefined] },
        ],
      });
      expect(await driver.rows(items)).toEqual([
        ['10', 'ten', '1.0000000000', 'long'],
        ['20', 'two', '2.0000000000', 'longer'],
      ]);
    });

    test('all lists of one batch take effect, and a later call sees an earlier one', async () => {
      const driver = await started(bench);
      await driver.write(items, {
        upserts: ['1', '2', '3', '4'].map((id) => [id, `name ${id}`, null, 'note']),
      });
      await driver.apply(async (tx) => {
        await tx.write(
          batchOf(items, {
            upserts: [['5', 'five', null, null]],
            patches: [['2', 'patched', null, undefined]],
            moves: [{ key: ['3'], row: ['30', 'moved', null, undefined] }],
            deletes: [['4']],
          }),
        );
        await tx.write(batchOf(items, { patches: [['30', undefined, null, 'patched after the move']] }));
        await tx.write(batchOf(items, { deletes: [['5']], upserts: [['3', 'reborn', null, null]] }));
      });
      expect(await driver.rows(items)).toEqual([
        ['1', 'name 1', null, 'note'],
        ['2', 'patched', null, 'note'],
        ['3', 'reborn', null, null],
        ['30', 'moved', null, 'patched after the move'],
      ]);
    });

    test('composite keys are compared whole, and may stand anywhere among the columns', async () => {
      const driver = await driverOn(await bench.open());
      const shape = relation({
        name: 'lines',
        columns: [
          column(1, 'note', types.text),
          column(2, 'line', types.int8),
          column(3, 'order', types.text),
        ],
        key: [2, 1],
      });
      const lines = mirrored(shape);
      await driver.create(lines);
      await driver.write(lines, {
        upserts: [
          ['x', '1', 'a'],
          ['y', '2', 'a'],
          ['z', '1', 'b'],
          ['w', '10', 'a'],
        ],
      });
      await driver.write(lines, {
        deletes: [['a', '2']],
        patches: [['patched', '1', 'b']],
        moves: [{ key: ['a', '1'], row: [undefined, '3', 'b'] }],
      });
      expect(await driver.rows(lines)).toEqual([
        ['w', '10', 'a'],
        ['patched', '1', 'b'],
        ['x', '3', 'b'],
      ]);
    });

    test('a table of nothing but its key takes upserts and deletes', async () => {
      const driver = await driverOn(await bench.open());
      const tags = mirrored(relation({ name: 'tags', columns: [column(1, 'tag', types.text)] }));
      await driver.create(tags);
      await driver.write(tags, { upserts: [['a'], ['b']] });
      await driver.write(tags, { upserts: [['a'], ['c']], deletes: [['b']] });
      expect(await driver.rows(tags)).toEqual([['a'], ['c']]);
    });

    test('an update of a row that is missing from an exact follower is loud, and changes nothing', async () => {
      const driver = await started(bench);
      await driver.write(items, { upserts: [['1', 'one', null, 'note']] });
      const batch = { upserts: [['1', 'two', null, null]], patches: [['9', 'nine', null, undefined]] };
      expect(await faultOf(driver.write(items, batch))).toBe('MR-4010');
      expect(
        await faultOf(driver.write(items, { moves: [{ key: ['9'], row: ['10', 'x', null, undefined] }] })),
      ).toBe('MR-4010');
      expect(await driver.rows(items)).toEqual([['1', 'one', null, 'note']]);
    });

    test('while building, updates and deletes of missing rows are ignored (R30)', async () => {
      const driver = await started(bench, 'building');
      await driver.write(items, {
        upserts: [['1', 'one', null, 'note']],
        patches: [['9', 'nine', null, undefined]],
        moves: [{ key: ['8'], row: ['80', 'x', null, undefined] }],
        deletes: [['7']],
      });
      expect(await driver.rows(items)).toEqual([['1', 'one', null, 'note']]);
    });

    test('a building table is lenient in an exact follower too, until its state changes', async () => {
      const driver = await started(bench);
      const building = { ...items, state: 'building' as const };
      await driver.apply((tx) => tx.evolve(building, []));
      await driver.write(building, { patches: [['9', 'nine', null, undefined]] });
      expect(await driver.follower.tables()).toContainEqual(building);
      await driver.apply((tx) => tx.evolve(items, []));
      expect(await faultOf(driver.write(items, { patches: [['9', 'nine', null, undefined]] }))).toBe(
        'MR-4010',
      );
    });

    test('a null in a column that must not be null is refused, naming the table', async () => {
      const driver = await driverOn(await bench.open());
      const strict = mirrored(
        relation({
          name: 'strict',
          columns: [column(1, 'id', types.int4), column(2, 'v', types.text, { notNull: true })],
        }),
      );
      await driver.create(strict);
      const refused = driver.write(strict, { upserts: [['1', null]] });
      await expect(refused).rejects.toMatchObject({ code: 'MR-4006' });
      await expect(refused).rejects.toThrow(/strict/);
      expect(await driver.rows(strict)).toEqual([]);
    });

    test('a write to a table that is not mirrored is refused', async () => {
      const driver = await driverOn(await bench.open());
      expect(await faultOf(driver.write(items, { upserts: [['1', null, null, null]] }))).toBe('MR-4006');
    });
  });

  describe('keyless rows', () => {
    test('rows are a multiset: a remove takes one copy, nulls equal', async () => {
      const driver = await started(bench);
      const copy = ['1', null, '{"a":  1}'];
      await driver.write(bag, {
        inserts: [copy, copy, copy, ['1', '', null], [null, null, null], [null, null, null]],
      });
      await driver.write(bag, { removes: [copy, [null, null, null]] });
      expect(sortedRows(await driver.rows(bag))).toEqual(
        sortedRows([copy, copy, ['1', '', null], [null, null, null]]),
      );
    });

    test('a batch may remove several copies, and add others', async () => {
      const driver = await started(bench);
      const copy = ['7', 'x', '[]'];
      await driver.write(bag, { inserts: [copy, copy, copy, copy] });
      await driver.write(bag, { removes: [copy, copy, copy], inserts: [['8', 'y', '1']] });
      expect(sortedRows(await driver.rows(bag))).toEqual(sortedRows([copy, ['8', 'y', '1']]));
    });

    test('removing more copies than there are is loud while exact, ignored while building', async () => {
      const driver = await started(bench);
      const copy = ['7', 'x', null];
      await driver.write(bag, { inserts: [copy] });
      expect(await faultOf(driver.write(bag, { removes: [copy, copy] }))).toBe('MR-4010');
      expect(await driver.rows(bag)).toEqual([copy]);
      const building = { ...bag, state: 'building' as const };
      await driver.apply((tx) => tx.evolve(building, []));
      await driver.write(building, { removes: [copy, copy] });
      expect(await driver.rows(bag)).toEqual([]);
    });
  });

  describe('tables', () => {
    test('truncate empties the named tables at its place in the transaction', async () => {
      const driver = await started(bench);
      await driver.write(items, { upserts: [['1', 'old', null, null]] });
      await driver.write(bag, { inserts: [['1', 'old', null]] });
      await driver.apply(async (tx) => {
        await tx.write(batchOf(items, { upserts: [['2', 'before', null, null]] }));
        await tx.truncate([items, bag]);
        await tx.write(batchOf(items, { upserts: [['1', 'after', null, null]] }));
      });
      expect(await driver.rows(items)).toEqual([['1', 'after', null, null]]);
      expect(await driver.rows(bag)).toEqual([]);
    });

    test.each([
      ['both ends open', null, null, ['5']],
      ['from the start', null, ['5'], ['5', '6', '10']],
      ['to the end', ['5'], null, ['1', '2', '5']],
      ['in the middle', ['2'], ['6'], ['1', '2', '5', '10']],
      ['one key', ['6'], ['6'], ['1', '2', '5', '10']],
      ['one key that is kept', ['5'], ['5'], ['1', '2', '5', '6', '10']],
    ])('a range of keys is deleted but for those kept: %s', async (_name, after, upTo, left) => {
      const driver = await started(bench);
      await driver.write(items, {
        upserts: ['1', '2', '5', '6', '10'].map((id) => [id, 'row', null, null]),
      });
      await driver.apply((tx) => tx.deleteRange(items, { after, upTo }, [['5']]));
      expect((await driver.rows(items)).map((row) => row[0])).toEqual(left);
    });

    test('a range of composite keys is compared cell by cell', async () => {
      const driver = await driverOn(await bench.open());
      const pairs = mirrored(
        relation({
          name: 'pairs',
          columns: [column(1, 'a', types.text), column(2, 'b', types.int4)],
          key: [0, 1],
        }),
      );
      await driver.create(pairs);
      const all = ['B', 'a', 'b'].flatMap((a) => ['1', '9', '10'].map((b) => [a, b]));
      await driver.write(pairs, { upserts: all });
      await driver.apply((tx) =>
        tx.deleteRange(pairs, { after: ['B', '9'], upTo: ['b', '1'] }, [['a', '9']]),
      );
      expect(await driver.rows(pairs)).toEqual([
        ['B', '1'],
        ['B', '9'],
        ['a', '9'],
        ['b', '9'],
        ['b', '10'],
      ]);
    });

    test('one key of a type without a common order may be deleted, and all of them', async () => {
      const driver = await driverOn(await bench.open());
      const moods = mirrored(
        relation({ name: 'moods', columns: [column(1, 'm', mood), column(2, 'v', types.text)] }),
      );
      await driver.create(moods);
      await driver.write(moods, {
        upserts: [
          ['sad', 'a'],
          ['ok', 'b'],
        ],
      });
      await driver.apply((tx) => tx.deleteRange(moods, { after: ['sad'], upTo: ['sad'] }, []));
      expect(await driver.rows(moods)).toEqual([['ok', 'b']]);
      await driver.apply((tx) => tx.deleteRange(moods, { after: null, upTo: null }, []));
      expect(await driver.rows(moods)).toEqual([]);
    });

    test('a range of keys without a common order is refused rather than guessed', async () => {
      const driver = await driverOn(await bench.open());
      const moods = mirrored(relation({ name: 'moods', columns: [column(1, 'm', mood)] }));
      await driver.create(moods);
      await driver.write(moods, { upserts: [['sad'], ['ok']] });
      const ranged = driver.apply((tx) => tx.deleteRange(moods, { after: ['sad'], upTo: null }, []));
      expect(await faultOf(ranged)).toBe('MR-4008');
      expect(await driver.rows(moods)).toHaveLength(2);
    });

    test('the whole of a keyless table is one range', async () => {
      const driver = await started(bench);
      await driver.write(bag, { inserts: [['1', 'a', null]] });
      await driver.apply((tx) => tx.deleteRange(bag, { after: null, upTo: null }, []));
      expect(await driver.rows(bag)).toEqual([]);
    });

    test('rows are scanned in key order: numbers by value, text by bytes', async () => {
      const driver = await driverOn(await bench.open());
      const named = mirrored(relation({ name: 'named', columns: [column(1, 'k', types.text)] }));
      await driver.create(named, items);
      await driver.write(named, { upserts: [['b'], ['a'], ['B'], ['é'], ['a b'], ['ab'], [''], ['Z']] });
      await driver.write(items, { upserts: ['100', '-5', '20', '3'].map((id) => [id, null, null, null]) });
      expect((await driver.rows(named)).map((row) => row[0])).toEqual([
        '',
        'B',
        'Z',
        'a',
        'a b',
        'ab',
        'b',
        'é',
      ]);
      expect((await driver.rows(items)).map((row) => row[0])).toEqual(['-5', '3', '20', '100']);
    });
  });
}
