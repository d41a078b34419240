import { MemoryLogServer } from '@millrace/log';
import { systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import type { Partition, PartitionedTables, PartitionsByTable } from '../source.js';
import { PartitionWatch, partitionsTable } from './partition-watch.js';

const measured = 100;
const partition = (id: number, file = id): Partition => ({ id, name: `public.m_${id}`, file });

/** A leader with one partitioned table, and the log that outlives its captures. */
class Fixture implements PartitionedTables {
  readonly log = new MemoryLogServer({ clock: systemClock }).open();
  readonly said: string[] = [];
  partitions: readonly Partition[] = [partition(1), partition(2)];
  filled = new Set<number>();
  fails = false;

  async look(): Promise<PartitionsByTable> {
    return new Map([[measured, this.partitions]]);
  }

  async cameWithRows(ids: readonly number[]): Promise<ReadonlySet<number>> {
    return new Set(ids.filter((id) => this.filled.has(id)));
  }

  async suspect(id: number, words: string): Promise<void> {
    if (this.fails) throw new Error('no connection');
    this.said.push(`${id}: ${words}`);
  }

  watch(first?: PartitionsByTable): PartitionWatch {
    return new PartitionWatch({ tables: this, known: this.log.table(partitionsTable), first });
  }
}

describe('the watch of partitions', () => {
  it('says nothing of tables as they are, nor of a partition that came empty', async () => {
    const leader = new Fixture();
    const watch = leader.watch();
    await watch.look();
    leader.partitions = [...leader.partitions, partition(3)];
    await watch.look();
    await watch.look();
    await leader.watch().look();
    expect(leader.said).toEqual([]);
  });

  it.each([
    ['detached or dropped', [partition(2)], 'partition public.m_1 was detached or dropped'],
    ['truncated', [partition(1), partition(2, 77)], 'partition public.m_2 was truncated or rewritten'],
    [
      'attached with rows',
      [partition(1), partition(2), partition(9)],
      'partition public.m_9 was attached with rows',
    ],
  ])(
    'tells of one that was %s, once, also when it happened while capture was down',
    async (_, now, words) => {
      for (const down of [false, true]) {
        const leader = new Fixture();
        leader.filled.add(9);
        let watch = leader.watch();
        await watch.look();
        if (down) watch = leader.watch();
        leader.partitions = now;
        await watch.look();
        await watch.look();
        await leader.watch().look();
        expect(leader.said).toEqual([`${measured}: ${words}`]);
      }
    },
  );

  it('tells of what changed since the initial snapshot', async () => {
    const leader = new Fixture();
    const first = new Map([[measured, [...leader.partitions, partition(5)]]]);
    await leader.watch(first).look();
    await leader.watch(first).look();
    expect(leader.said).toEqual([`${measured}: partition public.m_5 was detached or dropped`]);
  });

  it('notes only what it could tell', async () => {
    const leader = new Fixture();
    await leader.watch().look();
    leader.partitions = [];
    leader.fails = true;
    await expect(leader.watch().look()).rejects.toThrow('no connection');
    leader.fails = false;
    await leader.watch().look();
    expect(leader.said).toEqual([`${measured}: partition public.m_1, public.m_2 were detached or dropped`]);
  });
});
