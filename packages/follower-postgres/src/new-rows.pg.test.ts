import { batchOf, type Driver, driverOn, shapes } from '@millrace/follower/conformance';
import { silentLogger, systemClock } from '@millrace/runtime';
import { pgDatabase, type TestDatabase } from '@millrace/test-support';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPostgresFollower } from './follower.js';

const items = shapes.itemsTable();
const rows = 300;

let database: TestDatabase;
let driver: Driver;

beforeEach(async () => {
  database = await pgDatabase(18);
  const options = { url: database.url, name: 'copy', clock: systemClock, logger: silentLogger };
  driver = await driverOn(createPostgresFollower(options));
  await driver.create(items);
  await driver.write(items, { upserts: [['-1', 'known', null, null]] });
});
afterEach(async () => {
  await driver.follower.close();
  await database.drop();
});

/** Writes `rows` new rows from `from` on; false: there was no lane. */
async function insert(from: number): Promise<boolean> {
  let had = false;
  await driver.apply(async (tx) => {
    const sink = tx.newRows(items);
    if (!sink) return;
    had = true;
    for (let i = from; i < from + rows; i++) {
      sink.int(i);
      sink.text(`row\t${i}\\N`);
      sink.null();
      sink.null();
      sink.endRow();
    }
    await tx.write({ ...batchOf(items, {}), newRows: sink.take() });
  });
  return had;
}

test('a row that somebody wrote where the leader inserts one is overwritten, and nothing else of the batch is lost', async () => {
  expect(await insert(0)).toBe(true);
  const client = await database.connect();
  await client.query(`INSERT INTO items VALUES (${rows + 7}, 'by hand', 1, 'by hand')`);
  await client.end();
  expect(await insert(rows)).toBe(true);
  const held = await driver.rows(items);
  expect(held).toHaveLength(2 * rows + 1);
  expect(held).toContainEqual([String(rows + 7), `row\t${rows + 7}\\N`, null, null]);
  // From then on the table's rows come one by one.
  expect(await insert(2 * rows)).toBe(false);
});
