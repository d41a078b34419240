import type { Row } from '@millrace/model';
import { describe, expect, test } from 'vitest';
import type { Bench } from './bench.js';
import { batchOf, driverOn } from './driver.js';
import { itemsTable } from './shapes.js';

const rowsInAll = 200_000;
const rowsPerWrite = 5_000;
const timeout_ms = 120_000;

/** A leader transaction larger than one wants in memory comes in many writes (promise 7). */
export function describeLarge(bench: Bench): void {
  describe('large transactions', () => {
    test(
      `${rowsInAll} rows over many writes are one transaction`,
      async () => {
        const driver = await driverOn(await bench.open());
        const items = itemsTable();
        await driver.create(items);
        await driver.write(items, { upserts: [['5', 'old', null, 'replaced']] });
        await driver.apply(async (tx) => {
          for (let at = 0; at < rowsInAll; at += rowsPerWrite) {
            const upserts: Row[] = [];
            for (let i = at; i < at + rowsPerWrite; i++)
              upserts.push([`${i}`, `name ${i}`, `${i}.5000000000`, null]);
            await tx.write(batchOf(items, { upserts }));
          }
          await tx.write(batchOf(items, { deletes: [['0']], patches: [['7', 'patched', undefined, null]] }));
        });
        let count = 0;
        let last = 0;
        for await (const rows of driver.follower.scan(items.relation)) {
          for (const row of rows) {
            const id = Number(row[0]);
            expect(id > last, 'keys ascend').toBe(true);
            if (row[1] !== (id === 7 ? 'patched' : `name ${id}`) || row[2] !== `${id}.5000000000`) {
              expect.unreachable(`row ${id} differs`);
            }
            last = id;
            count++;
          }
        }
        expect(count).toBe(rowsInAll - 1);
      },
      timeout_ms,
    );

    test(
      'a large transaction that aborts leaves nothing',
      async () => {
        const driver = await driverOn(await bench.open());
        const items = itemsTable();
        await driver.create(items);
        const tx = await driver.follower.begin(driver.at, driver.next());
        for (let at = 0; at < 20_000; at += rowsPerWrite) {
          const upserts: Row[] = Array.from({ length: rowsPerWrite }, (_, i) => [
            `${at + i}`,
            'x',
            null,
            null,
          ]);
          await tx.write(batchOf(items, { upserts }));
        }
        await tx.abort();
        expect(await driver.rows(items)).toEqual([]);
      },
      timeout_ms,
    );
  });
}
