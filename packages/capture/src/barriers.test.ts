import { afterEach, describe, expect, it } from 'vitest';
import { Bench, large, orders, until } from './memory/capture-bench.sample.js';
import { testColumn, testRelation } from './memory/shop.js';

let bench: Bench;
afterEach(async () => {
  await bench.end();
});

describe('a record that nobody passes (R26)', () => {
  const barriers = (replica: Awaited<ReturnType<Bench['replicated']>>): bigint[] =>
    replica.records.flatMap(({ record }) =>
      record.kind === 'progress' && record.barrier ? [record.events] : [],
    );

  it('holds the transaction of a truncate alone, whatever was received with it', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'before', null]);
    const transaction = bench.leader.begin();
    transaction.insert(orders, ['2', 'gone', null]);
    transaction.truncate(orders);
    transaction.insert(orders, ['3', 'stays', null]);
    transaction.commit();
    bench.put([4, 'after', null]);
    const replica = await bench.replicated();
    expect(replica.rows(orders).map(([id]) => id)).toEqual(['3', '4']);
    expect(barriers(replica)).toEqual([3n]);
  });

  it('holds a key change whose new row lacks a column', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'one', large]);
    const transaction = bench.leader.begin();
    transaction.update(orders, ['1', null, null], ['2', 'one', large]);
    transaction.commit();
    bench.put([4, 'after', null]);
    expect(barriers(await bench.replicated())).toEqual([2n]);
  });
});

describe('schema changes', () => {
  it('make a barrier of the transaction that brings them, whose keys may be of two forms (R26)', async () => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    bench.put([1, 'one', null]);
    const rekeyed = testRelation(orders, 'orders', {
      columns: [
        testColumn(1, 'id', 'text', { notNull: true }),
        testColumn(2, 'name', 'text'),
        testColumn(3, 'note', 'text'),
      ],
    });
    bench.leader.alter(rekeyed, (row) => row);
    const transaction = bench.leader.begin();
    transaction.insert(orders, ['2', 'two', null]);
    transaction.insert(orders, ['3', 'three', null]);
    transaction.commit();
    bench.put([4, 'after', null]);
    const { records } = await bench.replicated();
    const shape = records.findIndex(
      ({ record }) => record.kind === 'schema' && record.shape.relation.columns[0]?.type.sql === 'text',
    );
    expect(records[shape + 1]?.record).toMatchObject({ kind: 'progress', barrier: true, events: 2n });
    expect(records.at(-1)?.record).toMatchObject({ kind: 'progress', barrier: false, events: 1n });
  });

  it('are records before the first event of the new shape', async () => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    bench.put([1, 'one', null]);
    const wider = testRelation(orders, 'orders', {
      columns: [
        testColumn(1, 'id', 'int4', { notNull: true }),
        testColumn(3, 'remark', 'text'),
        testColumn(4, 'extra', 'int4', { missing: '7' }),
      ],
    });
    bench.leader.alter(wider, ([id, , note]) => [id, note, '7']);
    const transaction = bench.leader.begin();
    transaction.insert(orders, ['2', 'remark', '8']);
    transaction.commit();
    const replica = await bench.replicated();
    expect(replica.rows(orders)).toEqual([
      ['1', null, '7'],
      ['2', 'remark', '8'],
    ]);
  });
});
