import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { FollowerPartition } from '../partitions.js';
import type { Follower, FollowerTransaction, StoredPosition } from '../port.js';
import type { Bench } from './bench.js';
import { batchOf, driverOn, faultOf, rowsOf, storedPosition } from './driver.js';
import { itemsTable } from './shapes.js';

const start = 0xffff_ffff_0000_0000n;
const at = (step: bigint): StoredPosition => storedPosition(start + step * 0x10n);
const row = (id: string, name: string) => [id, name, null, null];

/** R25 to R27: several workers on one follower; stores that cannot have no such capability. */
export function describePartitions(bench: Bench): void {
  describe('a follower in partitioned mode', () => {
    /** A follower of two partitions with the items table, standing at step 1; undefined where the store cannot. */
    async function two(): Promise<
      { follower: Follower; zero: FollowerPartition; one: FollowerPartition } | undefined
    > {
      const follower = await bench.open();
      if (!follower.partitioned) {
        expect(follower.capabilities.singleOwner).toBe(true);
        return undefined;
      }
      await follower.partitioned.register(at(0n), 2, { reset: false });
      const zero = follower.partitioned.open(0);
      const one = follower.partitioned.open(1);
      bench.closeLater(zero, one);
      await zero.takeOver(randomBytes(16));
      await one.takeOver(randomBytes(16));
      await done(await zero.beginAll(at(0n), at(1n)), (tx) =>
        tx.evolve(itemsTable(), [{ kind: 'create-table' }]),
      );
      return { follower, zero, one };
    }
    const positions = async ({ partitioned }: Follower): Promise<bigint[]> =>
      ((await partitioned?.rows()) ?? []).map(({ position }) => (position.end - start) / 0x10n);

    test('has a row per partition from its registration on, and a second registration changes nothing', async () => {
      const follower = await bench.open();
      if (!follower.partitioned) return;
      expect(await follower.partitioned.rows()).toEqual([]);
      await follower.partitioned.register(at(0n), 12, { reset: false });
      await follower.partitioned.register(at(5n), 3, { reset: false });
      expect(await positions(follower)).toEqual(Array<bigint>(12).fill(0n));
      expect(await follower.storeId()).toHaveLength(16);
    });

    test('is not used in the other mode, unless it is registered anew', async () => {
      const follower = await bench.open();
      if (!follower.partitioned) return;
      await follower.partitioned.register(at(0n), 2, { reset: false });
      expect(await faultOf(follower.register(at(0n), { reset: false }))).toBe('MR-4013');
      await follower.register(at(3n), { reset: true });
      expect(await positions(follower)).toEqual([]);
      expect(await faultOf(follower.partitioned.register(at(0n), 2, { reset: false }))).toBe('MR-4013');
      await follower.partitioned.register(at(4n), 3, { reset: true });
      expect(await positions(follower)).toEqual([4n, 4n, 4n]);
      expect(await follower.position()).toBeUndefined();
      const generations = (await follower.partitioned.rows()).map(({ generation }) => generation);
      expect(Math.min(...generations)).toBeGreaterThan(2);
    });

    test('moves partitions side by side, each with rows of its own', async () => {
      const stage = await two();
      if (!stage) return;
      const { follower, zero, one } = stage;
      const items = itemsTable();
      const first = await zero.begin(at(1n), at(2n));
      const second = await one.begin(at(1n), at(3n));
      await first.write(batchOf(items, { upserts: [row('1', 'zero')] }));
      await second.write(batchOf(items, { upserts: [row('2', 'one')] }));
      await second.commit();
      expect(await positions(follower)).toEqual([1n, 3n]);
      expect(await rowsOf(follower, items.relation)).toEqual([row('2', 'one')]);
      await first.commit();
      expect(await positions(follower)).toEqual([2n, 3n]);
      expect(await rowsOf(follower, items.relation)).toEqual([row('1', 'zero'), row('2', 'one')]);
    });

    test('fences partitions one by one', async () => {
      const stage = await two();
      if (!stage) return;
      const { zero, one } = stage;
      const second = await bench.open();
      const successor = second.partitioned?.open(1) as FollowerPartition;
      bench.closeLater(successor);
      const owner = randomBytes(16);
      expect((await successor.takeOver(owner))?.position).toEqual(at(1n).position);
      expect(Buffer.from((await one.position())?.owner ?? [])).toEqual(owner);
      expect(await faultOf(one.begin(at(1n), at(2n)))).toBe('MR-4003');
      await done(await successor.begin(at(1n), at(2n)));
      await done(await zero.begin(at(1n), at(2n)));
      expect(await faultOf(zero.begin(at(1n), at(2n)))).toBe('MR-4004');
    });

    test('passes a barrier with all partitions or none, whoever owns the others', async () => {
      const stage = await two();
      if (!stage) return;
      const { follower, zero, one } = stage;
      const items = itemsTable();
      await done(await zero.begin(at(1n), at(2n)));
      expect(await zero.beginAll(at(2n), at(3n))).toBeUndefined();
      expect(await positions(follower)).toEqual([2n, 1n]);
      await done(await one.begin(at(1n), at(2n)), (tx) =>
        tx.write(batchOf(items, { upserts: [row('2', 'one')] })),
      );
      const barrier = await zero.beginAll(at(2n), at(3n));
      await barrier?.truncate([items]);
      await barrier?.write(batchOf(items, { upserts: [row('9', 'after')] }));
      expect(await positions(follower)).toEqual([2n, 2n]);
      await barrier?.commit();
      expect(await positions(follower)).toEqual([3n, 3n]);
      expect(await rowsOf(follower, items.relation)).toEqual([row('9', 'after')]);
      expect(await faultOf(one.begin(at(2n), at(3n)))).toBe('MR-4004');
      await done(await one.begin(at(3n), at(4n)), (tx) =>
        tx.write(batchOf(items, { upserts: [row('2', 'again')] })),
      );
      expect(await rowsOf(follower, items.relation)).toHaveLength(2);
    });

    test('a barrier waits for a transaction in flight, and one that aborts moves nothing', async () => {
      const stage = await two();
      if (!stage) return;
      const { follower, zero, one } = stage;
      const inFlight = await one.begin(at(1n), at(2n));
      const barrier = zero.beginAll(at(1n), at(2n));
      expect(await Promise.race([barrier.then(() => 'through'), pause_ms(60).then(() => 'waiting')])).toBe(
        'waiting',
      );
      await inFlight.commit();
      expect(await barrier).toBeUndefined();
      await done(await zero.begin(at(1n), at(2n)));
      await (await zero.beginAll(at(2n), at(3n)))?.abort();
      expect(await positions(follower)).toEqual([2n, 2n]);
    });

    test('a barrier is not for one who was taken over', async () => {
      const stage = await two();
      if (!stage) return;
      const other = (await bench.open()).partitioned?.open(0) as FollowerPartition;
      bench.closeLater(other);
      await other.takeOver(randomBytes(16));
      expect(await faultOf(stage.zero.beginAll(at(1n), at(2n)))).toBe('MR-4003');
      await done(await other.beginAll(at(1n), at(2n)));
    });

    test('a partition sees the tables as another one’s barrier left them', async () => {
      const stage = await two();
      if (!stage) return;
      const { zero, one } = stage;
      await done(await one.begin(at(1n), at(2n)));
      await done(await zero.begin(at(1n), at(2n)));
      const next = { ...itemsTable(), version: itemsTable().version + 1 };
      await done(await zero.beginAll(at(2n), at(3n)), (tx) => tx.evolve(next, []));
      expect((await one.tables()).map(({ version }) => version)).toEqual([next.version]);
      await done(await one.begin(at(3n), at(4n)), (tx) =>
        tx.write(batchOf(next, { upserts: [row('5', 'new')] })),
      );
    });

    test('a transactional follower has no partitions', async () => {
      const driver = await driverOn(await bench.open());
      expect((await driver.follower.partitioned?.rows()) ?? []).toEqual([]);
    });
  });
}

async function done(
  tx: FollowerTransaction | undefined,
  work: (tx: FollowerTransaction) => Promise<void> = async () => undefined,
): Promise<void> {
  if (!tx) throw new Error('the barrier did not open');
  await work(tx);
  await tx.commit();
}

const pause_ms = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
