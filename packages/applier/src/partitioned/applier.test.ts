import type { CommitFate } from '@millrace/follower';
import { FollowerReports, type Log, MemoryLogServer } from '@millrace/log';
import { lsn } from '@millrace/model';
import { systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApplierPolicies } from '../policies.js';
import { resyncFollower } from '../registration/resync.js';
import { itemsCodec } from '../testing/items.js';
import { PartitionedShop, partitionCount, topicName, WatchedStore } from '../testing/partitioned-shop.js';
import { Worker } from '../testing/worker.js';

const codec = itemsCodec();
const mode = { kind: 'partitioned', partitions: partitionCount } as const;
const settle_ms = 10_000;

/** mulberry32, so that a failing run can be repeated by its seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One commit in twenty ends without an answer. */
const fateOf = (dice: number): CommitFate =>
  dice < 0.025 ? 'lost-before' : dice < 0.05 ? 'lost-after' : 'done';

class Stage {
  readonly server = new MemoryLogServer({ clock: systemClock });
  readonly log: Log = this.server.open();
  readonly shop: PartitionedShop;
  readonly store: WatchedStore;
  readonly workers = new Set<Worker>();

  constructor(random: () => number = Math.random) {
    this.shop = new PartitionedShop(this.log, codec, random);
    this.store = new WatchedStore(() => this.shop);
  }

  start(policies: Partial<ApplierPolicies> = {}): Worker {
    const worker = new Worker(this.store, this.server.open(), codec, mode, policies);
    this.workers.add(worker);
    return worker;
  }

  async commits(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.shop.commit();
  }

  /** All partitions at the end of the history, and the table equal to the leader's. */
  async settled(): Promise<void> {
    await expect
      .poll(() => (this.store.state.partitions ?? []).map(({ position }) => position.end), {
        interval: 5,
        timeout: settle_ms,
      })
      .toEqual(Array<bigint>(partitionCount).fill(this.shop.end));
    this.store.check();
    expect(this.store.violations).toEqual([]);
    const rows = [...(this.store.state.tables.get(topicName)?.rows() ?? [])];
    expect(rows.sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1))).toEqual(this.shop.rows());
  }

  /** Every partition is held, by one worker only, and none has more than its share. */
  async shared(): Promise<void> {
    await expect
      .poll(() => [...this.workers].flatMap(({ held }) => [...held]).sort(), {
        interval: 5,
        timeout: settle_ms,
      })
      .toEqual([0, 1, 2, 3]);
    const most = Math.ceil(partitionCount / this.workers.size);
    await expect
      .poll(() => Math.max(...[...this.workers].map(({ held }) => held.length)), {
        interval: 5,
        timeout: settle_ms,
      })
      .toBeLessThanOrEqual(most);
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.workers].map((worker) => worker.stop()));
  }
}

describe('A follower in partitioned mode', () => {
  let stage: Stage;
  afterEach(() => stage.destroy());

  it('is the leader’s copy, through barriers, by one worker alone', async () => {
    stage = new Stage(seeded(1));
    await stage.shop.open();
    await stage.commits(150);
    stage.start();
    await stage.settled();
  });

  it('is the leader’s copy by several workers that divide it evenly, and a spare one that waits', async () => {
    stage = new Stage(seeded(2));
    await stage.shop.open();
    const all = [stage.start(), stage.start(), stage.start(), stage.start(), stage.start()];
    await stage.commits(100);
    await stage.settled();
    await stage.shared();
    expect(all.filter(({ phase }) => phase === 'standby')).toHaveLength(1);
    await stage.commits(60);
    await stage.settled();
  });

  it('reports the position that every partition has reached, and no other', async () => {
    stage = new Stage(seeded(3));
    await stage.shop.open();
    const first = stage.start();
    await stage.commits(30);
    await stage.settled();
    const reports = new FollowerReports(stage.log);
    await expect
      .poll(async () => (await reports.get('replica'))?.position.end, { interval: 5, timeout: settle_ms })
      .toBe(stage.shop.end);
    const reached = stage.shop.end;
    // The worker of some partitions freezes: what it holds stays behind, and the report with it.
    const applied = first.applier.status().applied.events;
    const second = stage.start();
    await stage.shared();
    expect(first.applier.status().applied.events).toBe(applied);
    second.freeze();
    await stage.commits(3);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const least = (stage.store.state.partitions ?? []).reduce(
      (end, { position }) => (position.end < end ? position.end : end),
      stage.shop.end,
    );
    expect(least).toBe(reached);
    expect((await reports.get('replica'))?.position.end).toBe(reached);
    expect(first.applier.status().position?.end).toBe(reached);
    second.thaw();
    await stage.settled();
  });

  it('starts anew in all partitions at a resync', async () => {
    stage = new Stage(seeded(4));
    await stage.shop.open();
    const worker = stage.start();
    await stage.commits(20);
    await stage.settled();
    await stage.shop.chain.anchorAt(await stage.shop.chain.checkpoint());
    await resyncFollower(worker.follower, stage.log, mode);
    expect(stage.store.state.partitions?.map(({ state }) => state)).toEqual(Array(4).fill('building'));
    await expect
      .poll(() => new FollowerReports(stage.log).get('replica'), { interval: 5, timeout: settle_ms })
      .toMatchObject({ state: 'building', registration: 2, requests: [{ kind: 'snapshot', topics: [] }] });
  });

  it('is refused in transactional mode', async () => {
    stage = new Stage(seeded(5));
    await stage.shop.open();
    const worker = stage.start();
    await stage.commits(5);
    await stage.settled();
    await worker.stop();
    const other = new Worker(stage.store, stage.server.open(), codec);
    expect((await other.ended)?.code).toBe('MR-4013');
  });

  it('stops loudly on a fault of any partition, and says so in its report', async () => {
    stage = new Stage(seeded(6));
    await stage.shop.open();
    const worker = stage.start();
    await stage.commits(5);
    await stage.settled();
    await stage.shop.chain.transaction(
      stage.shop.end + 5n,
      [{ topic: 1, op: 'c', after: ['3', 'a', 'b'], partition: 2 }],
      { count: 2 },
    );
    expect((await worker.ended)?.code).toBe('MR-3004');
    expect(stage.store.state.partitions?.[2]?.position.end).toBe(stage.shop.end);
    const report = await new FollowerReports(stage.log).get('replica');
    expect(report).toMatchObject({ state: 'stopped', fault: { code: 'MR-3004' } });
    expect(report?.position.end).toBe(stage.shop.end);
  });

  it('stops when it was restored from an older copy, or goes on from there when told to', async () => {
    stage = new Stage(seeded(10));
    await stage.shop.open();
    const worker = stage.start();
    await stage.commits(20);
    await stage.settled();
    const copy = stage.store.state;
    await stage.commits(20);
    await stage.settled();
    stage.store.restore(copy);
    expect((await worker.ended)?.code).toBe('MR-4004');
    expect(stage.store.state.partitions).toEqual(copy.partitions);
    stage.start({ onRestore: 'replay' });
    await stage.settled();
  });

  it('goes into a new history with all partitions when none of them had applied what the fork took back', async () => {
    stage = new Stage(seeded(7));
    await stage.shop.open();
    stage.start();
    await stage.commits(10);
    await stage.settled();
    const { end } = stage.shop;
    await stage.shop.chain.open({ fork: { forkAt: lsn(end + 1n) } });
    await expect
      .poll(() => stage.store.state.partitions?.map(({ position }) => position), { timeout: settle_ms })
      .toEqual(Array(4).fill({ history: 1, end }));
    expect(stage.store.violations).toEqual([]);
  });

  it('stops when a partition has applied commits that a fork took back', async () => {
    stage = new Stage(seeded(8));
    await stage.shop.open();
    const worker = stage.start();
    await stage.commits(10);
    await stage.settled();
    await stage.shop.chain.open({ fork: { forkAt: lsn(stage.shop.end - 5n) } });
    expect((await worker.ended)?.code).toBe('MR-2007');
    expect(new Set(stage.store.state.partitions?.map(({ position }) => position.history))).toEqual(
      new Set([0]),
    );
  });

  it('replaces the rows of a windowed chunk in all partitions at once', async () => {
    stage = new Stage(seeded(9));
    await stage.shop.open();
    stage.start();
    stage.start();
    await stage.commits(40);
    await stage.settled();
    const { end } = stage.shop;
    await stage.shop.chain.transaction(
      end + 10n,
      [
        { topic: 1, op: 'r', after: ['1', 'read', 'again'], partition: 2 },
        { topic: 1, op: 'r', after: ['2', 'read', 'again'], partition: 1 },
      ],
      {
        barrier: true,
        chunk: { snapshot: 1, table: 1, chunk: 0, cursor: null, window: { after: null, upTo: null } },
      },
    );
    await expect
      .poll(() => stage.store.state.partitions?.map(({ position }) => position.end), { timeout: settle_ms })
      .toEqual(Array(4).fill(end + 10n));
    const rows = [...(stage.store.state.tables.get(topicName)?.rows() ?? [])];
    expect(rows.map((row) => row.slice(0, 3)).sort()).toEqual([
      ['1', 'read', 'again'],
      ['2', 'read', 'again'],
    ]);
  });

  it.each([11, 12])(
    'neither loses, doubles nor reorders anything of a key while workers join, leave, freeze and wake up, and commits end in doubt (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      stage = new Stage(random);
      await stage.shop.open();
      const start = (): void => {
        stage.start().commitFate = () => fateOf(random());
      };
      start();
      const frozen: Worker[] = [];
      for (let turn = 0; turn < 28; turn++) {
        await stage.commits(1 + Math.floor(random() * 6));
        stage.store.check();
        await new Promise((resolve) => setTimeout(resolve, random() * 30));
        const dice = random();
        const all = [...stage.workers].filter((worker) => !frozen.includes(worker));
        const one = all[Math.floor(random() * all.length)] as Worker;
        if (dice < 0.25 && stage.workers.size < 6) start();
        else if (dice < 0.4 && all.length > 1) {
          stage.workers.delete(one);
          expect(await one.stop()).toBeUndefined();
        } else if (dice < 0.6 && all.length > 1) {
          one.freeze();
          frozen.push(one);
        } else if (dice < 0.75) frozen.shift()?.thaw();
        if (turn % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 300));
      }
      for (const worker of frozen) worker.thaw();
      for (const worker of stage.workers) worker.commitFate = () => 'done';
      await stage.settled();
      await stage.shared();
    },
    30_000,
  );
});
