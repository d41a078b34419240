import type { SeenWorker } from '@millrace/follower';
import { describe, expect, it } from 'vitest';
import { planShare } from './share.js';

const worker = (id: string, rank: number, partitions: readonly number[] = []): SeenWorker => ({
  id,
  rank,
  partitions,
  host: 'mill',
  pid: 1,
  active: true,
  silence_ms: 0,
});

describe('The share of a worker', () => {
  it('is everything for one alone', () => {
    expect(planShare('a', [worker('a', 1)], 3)).toEqual({ release: [], claim: [0, 1, 2] });
  });

  it('is given up in part when another joins, and taken by that one only once it is free', () => {
    const both = [worker('a', 1, [0, 1, 2, 3]), worker('b', 2)];
    expect(planShare('a', both, 4)).toEqual({ release: [2, 3], claim: [] });
    expect(planShare('b', both, 4)).toEqual({ release: [], claim: [] });
    const released = [worker('a', 1, [0, 1]), worker('b', 2)];
    expect(planShare('b', released, 4)).toEqual({ release: [], claim: [2, 3] });
  });

  it('leaves spare workers without any', () => {
    const all = [worker('a', 1, [0]), worker('b', 2, [1]), worker('c', 3)];
    for (const id of ['a', 'b', 'c']) expect(planShare(id, all, 2)).toEqual({ release: [], claim: [] });
  });

  it('differs between workers that claim at the same time', () => {
    const all = [worker('a', 1), worker('b', 2), worker('c', 3)];
    const claims = all.map(({ id }) => planShare(id, all, 8).claim);
    expect(claims).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ]);
  });

  it('comes to rest with every partition held once, whoever joins and leaves', () => {
    let rank = 0;
    let all: SeenWorker[] = [];
    for (let step = 0; step < 200; step++) {
      const isJoin = all.length === 0 || (all.length < 6 && (step * 7) % 3 !== 0);
      all = isJoin
        ? [...all, worker(`w${step}`, ++rank)]
        : all.filter((_, i) => i !== (step * 5) % all.length);
      for (let round = 0; round < 4 * all.length; round++) {
        const i = (round + step) % all.length;
        const one = all[i] as SeenWorker;
        const { release, claim } = planShare(one.id, all, 7);
        const partitions = [...one.partitions.filter((p) => !release.includes(p)), ...claim];
        all = all.map((each) => (each === one ? { ...one, partitions } : each));
      }
      const held = all.flatMap(({ partitions }) => [...partitions]).sort();
      if (all.length > 0) expect(held).toEqual([0, 1, 2, 3, 4, 5, 6]);
    }
  });
});
