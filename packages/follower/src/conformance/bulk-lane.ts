import { describe, expect, test } from 'vitest';
import type { NewRowsSink } from '../port.js';
import type { Bench } from './bench.js';
import { batchOf, type Driver, driverOn } from './driver.js';
import { itemsTable } from './shapes.js';

const items = itemsTable();

async function started(bench: Bench, state: 'exact' | 'building' = 'exact'): Promise<Driver> {
  const driver = await driverOn(await bench.open(), state);
  await driver.create(items);
  return driver;
}

/** New rows of exact tables, by the store's own sink. */
export function describeBulkLane(bench: Bench): void {
  describe('the bulk lane', () => {
    test.each([3, 450])('%i new rows arrive by the bulk lane', async (count) => {
      const driver = await started(bench);
      // The first write makes the table known to the store's session.
      await driver.write(items, { upserts: [['-1', 'known', null, null]] });
      await driver.apply(async (tx) => {
        const sink = tx.newRows(items);
        // Without this the test could pass on a store that has lost its lane.
        if (!sink) return expect.unreachable('an exact table that is known has a bulk lane');
        for (let i = 0; i < count; i++) addItem(sink, i);
        sink.long(0, count);
        sink.dropRow();
        await tx.write({ ...batchOf(items, {}), newRows: sink.take() });
        await tx.write(batchOf(items, { deletes: [['0']] }));
      });
      const rows = await driver.rows(items);
      expect(rows).toHaveLength(count);
      expect(rows.slice(0, 3)).toEqual([
        ['-1', 'known', null, null],
        ['1', 'row\t1\\\n', '-1.0000000000', null],
        ['2', 'ř 2', '-2.0000000000', ''],
      ]);
    });

    test('a new row in whose way another stands replaces it, or is refused', async () => {
      const driver = await started(bench);
      await driver.write(items, { upserts: [['1', 'by hand', null, null]] });
      const added = driver.apply(async (tx) => {
        const sink = tx.newRows(items);
        if (!sink) return expect.unreachable('an exact table that is known has a bulk lane');
        for (let i = 0; i < 450; i++) addItem(sink, i);
        await tx.write({ ...batchOf(items, {}), newRows: sink.take() });
      });
      const fault = await added.then(
        () => undefined,
        (error: unknown) => error as { code: string },
      );
      expect(fault?.code ?? 'MR-4006').toBe('MR-4006');
      const rows = await driver.rows(items);
      if (fault) expect(rows).toEqual([['1', 'by hand', null, null]]);
      else expect(rows.filter(([key]) => key === '1')).toEqual([['1', 'row\t1\\\n', '-1.0000000000', null]]);
    });

    test('a building table has no bulk lane: its rows may be there already (R30)', async () => {
      const driver = await started(bench, 'building');
      await driver.apply(async (tx) => {
        expect(tx.newRows({ ...items, state: 'building' })).toBeUndefined();
        expect(tx.newRows(items)).toBeUndefined();
      }, driver.next());
    });
  });
}

/** Row `i`, by a different way into the sink for every cell. */
function addItem(sink: NewRowsSink, i: number): void {
  sink.long(0, i);
  const name = Buffer.from(i % 2 === 1 ? `row\t${i}\\\n` : `ř ${i}`);
  sink.utf8(name, 0, name.length);
  sink.text(`-${i}.0000000000`);
  if (i % 2 === 1) sink.null();
  else sink.text('');
  sink.endRow();
}
