import { MemoryFollower } from '@millrace/follower';
import { FollowerReports, type SnapshotState } from '@millrace/log';
import type { Relation } from '@millrace/model';
import { afterEach, describe, expect, it } from 'vitest';
import { resyncFollower } from './registration/resync.js';
import { Bench, topic } from './testing/applier-bench.sample.js';
import { items, textColumn } from './testing/items.js';

const widened: Relation = { ...items, columns: [...items.columns, textColumn(4, 'rank', 'none')] };

let bench: Bench;
afterEach(async () => bench.stop());

describe('An applier whose follower, log or leader went back', () => {
  it('notices on a quiet leader that its follower was restored, and replays only when told to', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    const first = bench.start();
    await bench.reached(110n);
    const backup = bench.store.state;
    await bench.chain.transaction(120n, [{ topic: 1, op: 'u', after: ['1', 'b', 'x'] }]);
    await bench.reached(120n);
    await expect
      .poll(async () => (await new FollowerReports(bench.log).get('replica'))?.position.end)
      .toBe(120n);
    bench.store.restore(backup);
    expect((await first.ended)?.code).toBe('MR-4004');
    // A process that never saw the later position learns of it from the report.
    expect((await bench.start().ended)?.code).toBe('MR-4004');
    expect(bench.rows()).toEqual([['1', 'a', 'x']]);
    bench.start({ policies: { onRestore: 'replay' } });
    await bench.reached(120n);
    expect(bench.rows()).toEqual([['1', 'b', 'x']]);
  });

  it('rereads everything after a resync, and drops rows that are gone', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    bench.start();
    await bench.reached(110n);
    await bench.stop();
    const offset = await bench.chain.checkpoint();
    await bench.chain.anchorAt(offset);
    await resyncFollower(new MemoryFollower(bench.store), bench.log);
    bench.start();
    await expect
      .poll(async () => (await new FollowerReports(bench.log).get('replica'))?.requests, { interval: 2 })
      .toEqual([{ kind: 'snapshot', topics: [], number: 0 }]);
    expect(bench.store.state.row?.state).toBe('building');
    const table = { topic: 1, remaining: [{ after: null, upTo: null }] };
    const snapshot: SnapshotState = {
      id: 1,
      kind: 'windowed',
      startedAt: bench.chain.position,
      tables: [table],
    };
    await bench.chain.checkpoint([snapshot]);
    const chunk = { snapshot: 1, table: 1, chunk: 1, cursor: null, window: { after: null, upTo: null } };
    await bench.chain.transaction(130n, [{ topic: 1, op: 'r', after: ['2', 'b', 'y'] }], {
      chunk,
      snapshotDone: true,
    });
    await bench.reached(130n);
    expect(bench.rows()).toEqual([['2', 'b', 'y']]);
    expect(bench.store.state.row?.state).toBe('exact');
  });

  it.each(['from its start', 'at an anchor'])(
    'takes the shapes of a new log %s, though versions count anew there',
    async (place) => {
      bench = new Bench();
      await bench.shop();
      await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
      bench.start();
      await bench.reached(110n);
      await bench.stop();

      bench = new Bench(bench.store);
      await bench.shop(widened);
      if (place === 'at an anchor') await bench.chain.anchorAt(await bench.chain.checkpoint());
      await resyncFollower(new MemoryFollower(bench.store), bench.log);
      bench.start();
      // What comes before the snapshot that it waits for adds nothing, and is not read.
      await bench.chain.transaction(115n, [{ topic: 1, op: 'c', after: ['3', 'c', 'z', 'unread'] }]);
      const table = { topic: 1, remaining: [{ after: null, upTo: null }] };
      await bench.chain.checkpoint([
        { id: 1, kind: 'windowed', startedAt: bench.chain.position, tables: [table] },
      ]);
      await bench.chain.transaction(120n, [{ topic: 1, op: 'c', after: ['2', 'b', 'y', 'first'] }]);
      await bench.reached(120n);
      expect(bench.rows()).toContainEqual(['2', 'b', 'y', 'first']);
      expect(bench.rows()).not.toContainEqual(['3', 'c', 'z', 'unread']);
    },
  );

  it('takes up a resync ordered while it runs', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    const { applier } = bench.start();
    await bench.reached(110n);
    await bench.chain.anchorAt(await bench.chain.checkpoint());
    await resyncFollower(new MemoryFollower(bench.store), bench.log);
    await expect.poll(() => applier.status().state, { interval: 2 }).toBe('building');
    expect(applier.status().tablesBuilding).toEqual([topic]);
  });

  it('notices on a quiet leader that the log was put back to an older copy', async () => {
    bench = new Bench();
    await bench.shop();
    const copy = bench.server.image();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    const { ended } = bench.start();
    await bench.reached(110n);
    bench.server.restore(copy);
    expect((await ended)?.code).toBe('MR-3007');
  });

  it('leaves retracted commits out when it has seen the fork’s open', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    await bench.chain.transaction(130n, [{ topic: 1, op: 'c', after: ['2', 'never', 'x'] }]);
    await bench.chain.open({ fork: { forkAt: 120n as never } });
    await bench.chain.transaction(125n, [{ topic: 1, op: 'c', after: ['3', 'c', 'x'] }]);
    bench.start();
    await bench.reached(125n);
    expect(bench.rows()).toEqual([
      ['1', 'a', 'x'],
      ['3', 'c', 'x'],
    ]);
    expect(bench.store.state.row).toMatchObject({ state: 'exact', position: { history: 1, end: 125n } });
  });

  it('stops as diverged when it has applied what the fork retracts', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(130n, [{ topic: 1, op: 'c', after: ['2', 'never', 'x'] }]);
    const { ended } = bench.start();
    await bench.reached(130n);
    await bench.chain.open({ fork: { forkAt: 120n as never } });
    expect((await ended)?.code).toBe('MR-2007');
    expect(bench.store.state.row).toMatchObject({ state: 'diverged', position: { history: 1, end: 120n } });
    expect((await bench.start().ended)?.code).toBe('MR-2007');
  });
});
