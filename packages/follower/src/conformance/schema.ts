import { type Column, diffRelations, type Relation, type Row } from '@millrace/model';
import { describe, expect, test } from 'vitest';
import type { MirroredTable } from '../port.js';
import type { Bench } from './bench.js';
import { batchOf, type Driver, driverOn, faultOf, sortedRows } from './driver.js';
import { column, itemsTable, keylessTable, mirrored, type RelationShape, relation, types } from './shapes.js';

const id = column(1, 'id', types.int4);

/** A table of two versions of one relation, and the driver that holds the first with `rows`. */
async function tableWith(
  bench: Bench,
  shape: RelationShape,
  rows: readonly Row[],
): Promise<[Driver, MirroredTable]> {
  const driver = await driverOn(await bench.open());
  const table = mirrored(relation(shape));
  await driver.create(table);
  await driver.write(table, shape.key?.length === 0 ? { inserts: rows } : { upserts: rows });
  return [driver, table];
}

function nextVersion(of: MirroredTable, change: Partial<Relation>): MirroredTable {
  const next = { ...of.relation, ...change };
  return { ...of, version: of.version + 1, relation: next };
}

async function evolve(driver: Driver, from: MirroredTable, to: MirroredTable): Promise<void> {
  await driver.apply((tx) => tx.evolve(to, diffRelations(from.relation, to.relation)));
}

/** Schema changes at their place in the stream (R37). */
export function describeSchema(bench: Bench): void {
  const evolved = async (columns: readonly Column[], rows: readonly Row[], after: readonly Column[]) => {
    const [driver, first] = await tableWith(bench, { name: 'shape', columns }, rows);
    const second = nextVersion(first, { columns: keyed(after) });
    await evolve(driver, first, second);
    expect(await driver.follower.tables()).toEqual([second]);
    return { driver, table: second, rows: await driver.rows(second) };
  };

  describe('schema changes', () => {
    test('a created table is remembered with its version and shape', async () => {
      const driver = await driverOn(await bench.open());
      const tables = [itemsTable(), keylessTable()];
      await driver.create(...tables);
      expect(sortedBy(await driver.follower.tables())).toEqual(sortedBy(tables));
    });

    test('an added column reads its missing value in old rows, and null without one', async () => {
      const { driver, table, rows } = await evolved(
        [id],
        [['1'], ['2']],
        [
          id,
          column(2, 'seven', types.int4, { missing: '7', notNull: true }),
          column(3, 'quoted', types.text, { missing: 'it\'s {"x"}\\n' }),
          column(4, 'nothing', types.text),
        ],
      );
      expect(rows).toEqual([
        ['1', '7', 'it\'s {"x"}\\n', null],
        ['2', '7', 'it\'s {"x"}\\n', null],
      ]);
      await driver.write(table, { upserts: [['3', '8', null, 'new']] });
      expect(await driver.rows(table)).toContainEqual(['3', '8', null, 'new']);
    });

    test('a dropped column is gone, in the middle too', async () => {
      const { driver, table, rows } = await evolved(
        [id, column(2, 'gone', types.text), column(3, 'stays', types.text)],
        [['1', 'x', 'y']],
        [id, column(3, 'stays', types.text)],
      );
      expect(rows).toEqual([['1', 'y']]);
      await driver.write(table, { patches: [['1', 'z']] });
      expect(await driver.rows(table)).toEqual([['1', 'z']]);
    });

    test('a renamed column keeps its values', async () => {
      const { rows } = await evolved(
        [id, column(2, 'before', types.text)],
        [['1', 'kept']],
        [id, column(2, 'after', types.text)],
      );
      expect(rows).toEqual([['1', 'kept']]);
    });

    test('two columns that swap names keep their values', async () => {
      const { driver, table, rows } = await evolved(
        [id, column(2, 'a', types.text), column(3, 'b', types.text), column(4, 'c', types.int4)],
        [['1', 'was a', 'was b', '3']],
        [id, column(2, 'b', types.text), column(3, 'a', types.text), column(4, 'c', types.int4)],
      );
      expect(rows).toEqual([['1', 'was a', 'was b', '3']]);
      await driver.write(table, { patches: [['1', undefined, 'new a', undefined]] });
      expect(await driver.rows(table)).toEqual([['1', 'was a', 'new a', '3']]);
    });

    test('names that go round in a circle keep their values, the key among them', async () => {
      const { rows } = await evolved(
        [id, column(2, 'b', types.int4), column(3, 'c', types.int4)],
        [['1', '2', '3']],
        [{ ...id, name: 'b' }, column(2, 'c', types.int4), column(3, 'id', types.int4)],
      );
      expect(rows).toEqual([['1', '2', '3']]);
    });

    test('a column dropped and added under the same name starts afresh', async () => {
      const { rows } = await evolved(
        [id, column(2, 'v', types.text)],
        [['1', 'old']],
        [id, column(3, 'v', types.int8, { missing: '9' })],
      );
      expect(rows).toEqual([['1', '9']]);
    });

    test('a wider type keeps values', async () => {
      const { driver, table, rows } = await evolved(
        [id, column(2, 'n', types.int4), column(3, 't', types.varchar10), column(4, 'k', types.int2)],
        [['1', '2147483647', 'abc', null]],
        [id, column(2, 'n', types.int8), column(3, 't', types.varchar20), column(4, 'k', types.text)],
      );
      expect(rows).toEqual([['1', '2147483647', 'abc', null]]);
      await driver.write(table, { upserts: [['2', '9223372036854775807', 'x'.repeat(20), 'text']] });
      expect(await driver.rows(table)).toContainEqual(['2', '9223372036854775807', 'x'.repeat(20), 'text']);
    });

    test('nullability follows both ways', async () => {
      const strict = column(2, 'v', types.text, { notNull: true });
      const lax = column(2, 'v', types.text);
      const { driver, table } = await evolved([id, strict], [['1', 'x']], [id, lax]);
      await driver.write(table, { upserts: [['2', null]] });
      await driver.write(table, { deletes: [['2']] });
      const again = nextVersion(table, { columns: keyed([id, strict]) });
      await evolve(driver, table, again);
      expect(await faultOf(driver.write(again, { upserts: [['2', null]] }))).toBe('MR-4006');
    });

    test('another key takes over: to another column, to none, and back', async () => {
      const shape = { name: 'shape', columns: [id, column(2, 'code', types.text, { notNull: true })] };
      const [driver, first] = await tableWith(bench, shape, [
        ['1', 'a'],
        ['2', 'b'],
      ]);
      const byCode = nextVersion(first, { key: [1] });
      await evolve(driver, first, byCode);
      await driver.write(byCode, { upserts: [['9', 'a']], deletes: [['b']] });
      expect(await driver.rows(byCode)).toEqual([['9', 'a']]);
      const keyless = nextVersion(byCode, { key: [], identity: 'full' });
      await evolve(driver, byCode, keyless);
      await driver.write(keyless, { inserts: [['9', 'a']] });
      await driver.write(keyless, { removes: [['9', 'a']] });
      expect(await driver.rows(keyless)).toEqual([['9', 'a']]);
      const back = nextVersion(keyless, { key: [0], identity: 'default' });
      await evolve(driver, keyless, back);
      await driver.write(back, { upserts: [['9', 'z']] });
      expect(await driver.rows(back)).toEqual([['9', 'z']]);
    });

    test('a renamed table keeps its rows, under its new topic', async () => {
      const [driver, first] = await tableWith(bench, { name: 'before', columns: [id] }, [['1']]);
      const renamed = { ...nextVersion(first, { name: 'after' }), topic: 'shop.public.after' };
      await evolve(driver, first, renamed);
      expect(await driver.follower.tables()).toEqual([renamed]);
      await driver.write(renamed, { upserts: [['2']] });
      expect(await driver.rows(renamed)).toEqual([['1'], ['2']]);
    });

    test('two tables that swap names keep their rows', async () => {
      const [driver, a] = await tableWith(bench, { name: 'a', columns: [id] }, [['1']]);
      const b = mirrored(relation({ name: 'b', columns: [id] }));
      await driver.create(b);
      await driver.write(b, { upserts: [['2']] });
      const aIsB = nextVersion(a, { name: 'b' });
      const bIsA = nextVersion(b, { name: 'a' });
      await evolve(driver, a, aIsB);
      await evolve(driver, b, bIsA);
      await driver.write(aIsB, { upserts: [['10']] });
      expect(await driver.rows(aIsB)).toEqual([['1'], ['10']]);
      expect(await driver.rows(bIsA)).toEqual([['2']]);
    });

    test('a table in another schema may have the same name', async () => {
      const driver = await driverOn(await bench.open());
      const one = mirrored(relation({ schema: 'one', name: 't', columns: [id] }));
      const two = mirrored(relation({ schema: 'two', name: 't', columns: [id] }));
      await driver.create(one, two);
      await driver.write(one, { upserts: [['1']] });
      expect(await driver.rows(two)).toEqual([]);
      const moved = { ...nextVersion(one, { schema: 'three' }), topic: 'shop.three.t' };
      await evolve(driver, one, moved);
      expect(await driver.rows(moved)).toEqual([['1']]);
    });

    test('creating a mirrored table again leaves it empty in its new shape', async () => {
      const [driver, first] = await tableWith(bench, { name: 'again', columns: [id] }, [['1']]);
      const anew = mirrored(relation({ name: 'again', columns: [column(1, 'key', types.text)] }));
      await evolve(driver, first, anew);
      expect(await driver.rows(anew)).toEqual([]);
      await driver.write(anew, { upserts: [['text']] });
      await driver.create(anew);
      expect(await driver.rows(anew)).toEqual([]);
      expect(await driver.follower.tables()).toEqual([anew]);
    });

    test('rows and schema changes alternate within one transaction, and roll back together', async () => {
      const [driver, first] = await tableWith(bench, { name: 'mixed', columns: [id] }, [['1']]);
      const second = nextVersion(first, { columns: keyed([id, column(2, 'v', types.text)]) });
      const work = async (fails: boolean) =>
        await driver.apply(async (tx) => {
          await tx.write(batchOf(first, { upserts: [['2']] }));
          await tx.evolve(second, diffRelations(first.relation, second.relation));
          await tx.write(batchOf(second, { upserts: [['3', 'three']], patches: [['1', 'one']] }));
          if (fails) throw new Error('crash');
        });
      await expect(work(true)).rejects.toThrow('crash');
      expect(await driver.rows(first)).toEqual([['1']]);
      expect(await driver.follower.tables()).toEqual([first]);
      await work(false);
      expect(await driver.rows(second)).toEqual([
        ['1', 'one'],
        ['2', null],
        ['3', 'three'],
      ]);
    });

    test('a keyless table evolves with its copies', async () => {
      const columns = [column(1, 'a', types.int4), column(2, 'b', types.text)];
      const rows = [
        ['1', 'x'],
        ['1', 'x'],
        [null, null],
      ];
      const [driver, first] = await tableWith(bench, { name: 'pile', columns, key: [] }, rows);
      const second = nextVersion(first, {
        columns: [columns[0] as Column, column(3, 'c', types.int4, { missing: '5' })],
      });
      await evolve(driver, first, second);
      await driver.write(second, { removes: [['1', '5']] });
      expect(sortedRows(await driver.rows(second))).toEqual(
        sortedRows([
          ['1', '5'],
          [null, '5'],
        ]),
      );
    });

    test('a forgotten table is fed no more', async () => {
      const [driver, table] = await tableWith(bench, { name: 'dropped', columns: [id] }, [['1']]);
      await driver.apply((tx) => tx.forget(table, { drop: true }));
      expect(await driver.follower.tables()).toEqual([]);
      expect(await faultOf(driver.write(table, { upserts: [['2']] }))).toBe('MR-4006');
      await driver.create(table);
      expect(await driver.rows(table)).toEqual([]);
    });

    test('a reset registration keeps the mirrored tables and their rows for repair', async () => {
      const [driver, table] = await tableWith(bench, { name: 'kept', columns: [id] }, [['1']]);
      await driver.follower.register({ ...driver.at, state: 'building' }, { reset: true });
      expect((await driver.follower.tables()).map((one) => one.topic)).toEqual([table.topic]);
      expect(await driver.rows(table)).toEqual([['1']]);
    });
  });
}

const keyed = (columns: readonly Column[]): Column[] =>
  columns.map((one) => (one.attnum === 1 ? { ...one, notNull: true } : one));

const sortedBy = (tables: readonly MirroredTable[]): MirroredTable[] =>
  [...tables].sort((a, b) => (a.topic < b.topic ? -1 : 1));
