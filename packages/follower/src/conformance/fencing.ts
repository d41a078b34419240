import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Bench } from './bench.js';
import { batchOf, Driver, driverOn, faultOf, storedPosition } from './driver.js';
import { itemsTable } from './shapes.js';

/** Who may write, and from where (R21, R22). */
export function describeFencing(bench: Bench): void {
  describe('position and fencing', () => {
    test('there is no position before registration', async () => {
      const follower = await bench.open();
      expect(await follower.position()).toBeUndefined();
      expect(await follower.takeOver(randomBytes(16))).toBeUndefined();
    });

    test('registration stores the position exactly, beyond 2^63, and a second one changes nothing', async () => {
      const follower = await bench.open();
      const initial = storedPosition(0xffff_ffff_ffff_fff0n, 'building', '{"waits":"for snapshot 1"}');
      await follower.register(initial, { reset: false });
      const store = await follower.storeId();
      await follower.register(storedPosition(1n), { reset: false });
      expect(await follower.position()).toMatchObject({
        position: initial.position,
        state: 'building',
        notes: '{"waits":"for snapshot 1"}',
      });
      expect(Buffer.from((await follower.position())?.anchor ?? [])).toEqual(initial.anchor);
      expect(Buffer.from((await follower.position())?.logId ?? [])).toEqual(initial.logId);
      expect(store).toHaveLength(16);
      expect(Buffer.from((await follower.storeId()) ?? [])).toEqual(Buffer.from(store ?? []));
    });

    test('a reset registration replaces the row, keeps the store and fences the old owner', async () => {
      const driver = await driverOn(await bench.open());
      const store = Buffer.from((await driver.follower.storeId()) ?? []);
      const fresh = { ...driver.at, notes: '{"resync":true}', state: 'building' as const };
      await driver.follower.register(fresh, { reset: true });
      expect(Buffer.from((await driver.follower.storeId()) ?? [])).toEqual(store);
      expect((await driver.follower.position())?.notes).toBe('{"resync":true}');
      expect(await faultOf(driver.follower.begin(driver.at, driver.next()))).toBe('MR-4003');
    });

    test('an applier that never took over cannot begin', async () => {
      const follower = await bench.open();
      await follower.register(storedPosition(64n), { reset: false });
      expect(await faultOf(follower.begin(storedPosition(64n), storedPosition(80n)))).toBe('MR-4003');
    });

    test('a takeover returns the row and puts its owner in', async () => {
      const driver = await driverOn(await bench.open());
      const owner = randomBytes(16);
      expect(await driver.follower.takeOver(owner)).toMatchObject({ position: driver.at.position });
      expect(Buffer.from((await driver.follower.position())?.owner ?? [])).toEqual(owner);
    });

    test.each([
      ['end', { position: { history: 3, end: 0x10n } }],
      ['history', { position: { history: 4, end: 0xffff_ffff_0000_0000n } }],
      ['anchor', { anchor: Buffer.from('another') }],
    ])('a transaction from another %s is refused as gone back', async (_what, other) => {
      const driver = await driverOn(await bench.open());
      const from = { ...driver.at, ...other } as Driver['at'];
      expect(await faultOf(driver.follower.begin(from, driver.next()))).toBe('MR-4004');
      await driver.apply(async () => {});
    });

    test('commit moves position, anchor, state and notes together', async () => {
      const driver = await driverOn(await bench.open(), 'building');
      const to = { ...driver.next('exact'), notes: '{"snapshot":2}' };
      await driver.apply(async () => {}, to);
      const row = await driver.follower.position();
      expect(row).toMatchObject({ position: to.position, state: 'exact', notes: '{"snapshot":2}' });
      expect(Buffer.from(row?.anchor ?? [])).toEqual(to.anchor);
    });

    test('a transaction that aborts leaves neither rows nor position', async () => {
      const driver = await driverOn(await bench.open());
      const items = itemsTable();
      await driver.create(items);
      await driver.write(items, { upserts: [['1', 'kept', '1.0000000000', null]] });
      const before = await driver.follower.position();
      const tx = await driver.follower.begin(driver.at, driver.next());
      await tx.write(batchOf(items, { upserts: [['2', 'lost', null, null]], deletes: [['1']] }));
      await tx.truncate([items]);
      await tx.abort();
      await tx.abort();
      expect(await driver.rows(items)).toEqual([['1', 'kept', '1.0000000000', null]]);
      expect(await driver.follower.position()).toEqual(before);
    });

    test('nothing is visible before commit', async () => {
      const driver = await driverOn(await bench.open());
      const items = itemsTable();
      await driver.create(items);
      const tx = await driver.follower.begin(driver.at, driver.next());
      await tx.write(batchOf(items, { upserts: [['1', 'early', null, null]] }));
      expect((await driver.follower.position())?.position).toEqual(driver.at.position);
      expect(await driver.rows(items)).toEqual([]);
      await tx.commit();
      expect(await driver.rows(items)).toHaveLength(1);
    });

    test('state survives closing and opening again', async () => {
      const items = itemsTable();
      const driver = await driverOn(await bench.open());
      await driver.create(items);
      await driver.write(items, { upserts: [['1', 'durable', null, null]] });
      const store = Buffer.from((await driver.follower.storeId()) ?? []);
      await bench.close(driver.follower);
      const again = await bench.open();
      expect((await again.position())?.position).toEqual(driver.at.position);
      expect(Buffer.from((await again.storeId()) ?? [])).toEqual(store);
      expect(await again.tables()).toEqual([items]);
      const successor = new Driver(again, driver.at);
      expect(await successor.rows(items)).toHaveLength(1);
    });

    test('an applier taken over through its own handle is fenced at its next transaction', async () => {
      const driver = await driverOn(await bench.open());
      const stale = driver.at;
      const second = await driverOn(driver.follower);
      await second.apply(async () => {});
      expect(await faultOf(driver.follower.begin(stale, driver.next()))).toBe('MR-4004');
      await second.apply(async () => {});
    });

    describeZombies(bench);
  });
}

/** Needs two handles at once: stores with a single owner fence by their lock instead. */
function describeZombies(bench: Bench): void {
  test('a paused applier that wakes up after a takeover changes nothing', async () => {
    const old = await driverOn(await bench.open());
    const items = itemsTable();
    await old.create(items);
    if (old.follower.capabilities.singleOwner) return expectLocked(bench);
    const fresh = await driverOn(await bench.open());
    expect(await faultOf(old.follower.begin(old.at, old.next()))).toBe('MR-4003');
    await fresh.write(items, { upserts: [['1', 'fresh', null, null]] });
    expect(await faultOf(old.follower.begin(old.at, old.next()))).toBe('MR-4003');
    expect(await fresh.rows(items)).toEqual([['1', 'fresh', null, null]]);
  });

  test('a takeover waits for a commit in flight and then stands after it', async () => {
    const old = await driverOn(await bench.open());
    if (old.follower.capabilities.singleOwner) return;
    const items = itemsTable();
    await old.create(items);
    const to = old.next();
    const tx = await old.follower.begin(old.at, to);
    await tx.write(batchOf(items, { upserts: [['1', 'in flight', null, null]] }));
    const follower = await bench.open();
    const takeover = follower.takeOver(randomBytes(16));
    expect(await Promise.race([takeover.then(() => 'taken'), pause_ms(60).then(() => 'waiting')])).toBe(
      'waiting',
    );
    await tx.commit();
    expect((await takeover)?.position).toEqual(to.position);
    expect(await faultOf(old.follower.begin(to, storedPosition(to.position.end + 1n)))).toBe('MR-4003');
  });

  test('a transaction waiting for a takeover in flight is fenced by it', async () => {
    const old = await driverOn(await bench.open());
    if (old.follower.capabilities.singleOwner) return;
    const holder = await old.follower.begin(old.at, old.next());
    const follower = await bench.open();
    const takeover = follower.takeOver(randomBytes(16));
    await pause_ms(20);
    await holder.abort();
    await takeover;
    expect(await faultOf(old.follower.begin(old.at, old.next()))).toBe('MR-4003');
  });
}

const pause_ms = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A store with a single owner refuses a second handle visibly, and opens once the first is closed. */
async function expectLocked(bench: Bench): Promise<void> {
  const second = await bench.open();
  expect(await faultOf(second.position())).toBe('MR-4009');
  await bench.closeAllBut(second);
  expect(await second.position()).toBeDefined();
}
