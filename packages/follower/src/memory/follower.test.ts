import { describe, expect, test } from 'vitest';
import { batchOf, describeFollowerConformance, driverOn, faultOf, shapes } from '../conformance.js';
import type { CommitFate } from './faults.js';
import { MemoryFollower } from './follower.js';
import { MemoryFollowerStore } from './store.js';

describeFollowerConformance('MemoryFollower', async () => {
  const store = new MemoryFollowerStore();
  return { open: async () => new MemoryFollower(store), destroy: async () => {} };
});

describe('faults of the memory follower', () => {
  const items = shapes.itemsTable();

  test.each([
    ['lost-before', 0],
    ['lost-after', 1],
  ] as const)('a commit %s is uncertain and leaves %i rows', async (fate, rows) => {
    let next: CommitFate = 'done';
    const follower = new MemoryFollower(new MemoryFollowerStore(), 'f', { commit: () => next });
    const driver = await driverOn(follower);
    await driver.create(items);
    next = fate;
    expect(await faultOf(driver.write(items, { upserts: [['1', null, null, null]] }))).toBe('MR-4011');
    next = 'done';
    expect(await driver.rows(items)).toHaveLength(rows);
    const again = await driverOn(follower);
    await again.write(items, { upserts: [['2', null, null, null]] });
  });

  test('a restored store stands where the copy stood, and open transactions end', async () => {
    const store = new MemoryFollowerStore();
    const driver = await driverOn(new MemoryFollower(store));
    await driver.create(items);
    const copy = store.state;
    const then = driver.at;
    await driver.write(items, { upserts: [['1', null, null, null]] });
    const tx = await driver.follower.begin(driver.at, driver.next());
    store.restore(copy);
    expect(await faultOf(tx.write(batchOf(items, { deletes: [['1']] })))).toBe('MR-4001');
    await tx.abort();
    expect((await driver.follower.position())?.position).toEqual(then.position);
    expect(await faultOf(driver.follower.begin(driver.at, driver.next()))).toBe('MR-4004');
  });

  test('a paused holder of the row is ended once another has waited long enough', async () => {
    const store = new MemoryFollowerStore({ lockTimeout_ms: 20 });
    const old = await driverOn(new MemoryFollower(store));
    await old.create(items);
    const tx = await old.follower.begin(old.at, old.next());
    await tx.write(batchOf(items, { upserts: [['1', null, null, null]] }));
    const fresh = await driverOn(new MemoryFollower(store));
    expect(await faultOf(tx.commit())).toBe('MR-4001');
    await tx.abort();
    expect(await fresh.rows(items)).toEqual([]);
    await fresh.write(items, { upserts: [['2', null, null, null]] });
  });
});
