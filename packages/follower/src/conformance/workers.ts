import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Follower } from '../port.js';
import type { WorkerNote, WorkerTable } from '../workers.js';
import type { Bench } from './bench.js';
import { driverOn, faultOf } from './driver.js';

const note = (more: Partial<WorkerNote> = {}): WorkerNote => ({
  host: 'mill',
  pid: 4711,
  active: false,
  partitions: [],
  ...more,
});

/** Who is at work (R22); stores that only one process can open have no such table. */
export function describeWorkers(bench: Bench): void {
  describe('the table of workers', () => {
    /** Two handles with a table each; undefined where the store has none. */
    async function two(): Promise<readonly (readonly [Follower, WorkerTable])[] | undefined> {
      const first = await bench.open();
      if (!first.workers) {
        expect(first.capabilities.singleOwner).toBe(true);
        return undefined;
      }
      const second = await bench.open();
      return [
        [first, first.workers],
        [second, second.workers as WorkerTable],
      ];
    }

    test('shows everybody who entered, in that order, with what they say of themselves', async () => {
      const pair = await two();
      if (!pair) return;
      const [[, first], [, second]] = pair as [(typeof pair)[0], (typeof pair)[0]];
      expect(first.id).toMatch(/^[0-9a-f]{16}$/);
      expect(second.id).not.toBe(first.id);
      await first.join(note());
      await second.join(note({ pid: 12, partitions: [3, 5] }));
      const seen = await first.beat(note({ active: true }));
      expect(seen.map(({ id }) => id)).toEqual([first.id, second.id]);
      expect(seen[0]).toMatchObject(note({ active: true }));
      expect(seen[1]).toMatchObject(note({ pid: 12, partitions: [3, 5] }));
    });

    test('measures how long a worker has been silent, and puts one who enters again behind the others', async () => {
      const pair = await two();
      if (!pair) return;
      const [[, first], [, second]] = pair as [(typeof pair)[0], (typeof pair)[0]];
      await first.join(note());
      await pause_ms(120);
      const seen = await second.join(note());
      expect(seen[0]?.silence_ms).toBeGreaterThanOrEqual(100);
      expect(seen[1]?.silence_ms).toBeLessThan(100);
      expect((await first.join(note())).map(({ id }) => id)).toEqual([second.id, first.id]);
    });

    test('forgets who leaves, and enters anew who was taken out and still beats', async () => {
      const pair = await two();
      if (!pair) return;
      const [[, first], [, second]] = pair as [(typeof pair)[0], (typeof pair)[0]];
      await first.join(note());
      await second.join(note());
      await first.leave();
      expect((await second.beat(note())).map(({ id }) => id)).toEqual([second.id]);
      await second.evict(first.id);
      expect((await first.beat(note())).map(({ id }) => id)).toEqual([second.id, first.id]);
    });

    test('is reached at once while a transaction holds the position, and evicting its worker frees the position', async () => {
      const pair = await two();
      if (!pair) return;
      const [[paused, gone], [standby, other]] = pair as [(typeof pair)[0], (typeof pair)[0]];
      const driver = await driverOn(paused);
      await gone.join(note({ active: true }));
      const tx = await paused.begin(driver.at, driver.next());
      expect(await other.join(note())).toHaveLength(2);
      await other.evict(gone.id);
      const row = await standby.takeOver(randomBytes(16));
      expect(row?.position).toEqual(driver.at.position);
      expect(['MR-4001', 'MR-4011']).toContain(await faultOf(tx.commit()));
      await tx.abort();
      expect(await faultOf(paused.begin(driver.at, driver.next()))).toBe('MR-4003');
    });
  });
}

const pause_ms = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
