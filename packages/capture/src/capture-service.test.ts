import { anchorOf, FollowerReports } from '@millrace/log';
import { lsn } from '@millrace/model';
import { systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, large, lines, orders, until } from './memory/capture-bench.sample.js';
import { MemoryLeader } from './memory/leader.js';
import { testRelation } from './memory/shop.js';

let bench: Bench;
afterEach(async () => {
  await bench.end();
});

describe('a capture on an empty log', () => {
  it('brings every commit after the slot into the log, in order, each once', async () => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    bench.put([1, 'one', null], [2, 'two', large]);
    const transaction = bench.leader.begin();
    transaction.update(orders, ['2', null, null], ['2', 'zwei', large]);
    transaction.delete(orders, ['1', null, null]);
    transaction.insert(lines, ['7', 'a', 'b'], ['7', 'a', 'b']);
    transaction.commit();
    const other = bench.leader.begin();
    other.delete(lines, ['7', 'a', 'b']);
    other.update(orders, ['2', null, null], ['3', 'drei', large]);
    other.commit();
    const replica = await bench.replicated();
    expect(replica.rows(orders)).toEqual([['3', 'drei', large]]);
  });

  it('confirms to the slot only what was read back, and follows keepalives when idle', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'one', null]);
    bench.leader.unpublishedWork(4096n);
    await until(() => bench.leader.slot?.confirmed === bench.leader.position);
    const { published, confirmed } = capture.status();
    expect(published.end).toBe(bench.leader.position);
    expect(confirmed).toBe(bench.leader.position);
  });

  it('keeps its promises beyond 2^63', async () => {
    bench = new Bench();
    const leader = new MemoryLeader({ clock: systemClock, startLsn: 0xffff_fff0_0000_0001n });
    Object.assign(bench, { leader });
    leader.createTable(testRelation(orders, 'orders'));
    leader.createTable(testRelation(lines, 'lines', { key: [], identity: 'full' }));
    bench.start();
    await until(() => leader.slot?.holder !== undefined);
    for (let i = 0; i < 20; i++) bench.put([i, 'n', null]);
    const replica = await bench.replicated();
    expect(replica.position.end).toBeGreaterThan(lsn(0xffff_fff0_0000_0001n));
  });
});

describe('a capture that starts again', () => {
  it('goes on where the chain ends, whatever the slot re-sends', async () => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    for (let i = 0; i < 30; i++) bench.put([i, `n${i}`, large]);
    await bench.replicated();
    await bench.stop();
    bench.leader.crash();
    for (let i = 30; i < 50; i++) bench.put([i, `n${i}`, large]);
    bench.start();
    const replica = await bench.replicated();
    expect(replica.rows(orders)).toHaveLength(50);
  });

  it('survives a connection cut at any time without loss or doubles', async () => {
    bench = new Bench();
    bench.start({ limits: { part_bytes: 200, batch_events: 7 } });
    for (let round = 0; round < 40; round++) {
      const transaction = bench.leader.begin();
      for (let i = 0; i < 5; i++) transaction.insert(orders, [String(round * 10 + i), `r${round}`, large]);
      transaction.update(
        orders,
        [String((round - 1) * 10), null, null],
        [String(round * 10 + 9), 'moved', large],
      );
      transaction.commit();
      await systemClock.sleep(round % 3);
      if (round % 7 === 3) bench.leader.cutConnection('test');
    }
    await bench.replicated();
  });

  it('stops with MR-2006 when the slot was confirmed beyond the log', async () => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    bench.put([1, 'one', null]);
    await bench.replicated();
    await bench.stop();
    bench.put([2, 'lost', null]);
    if (bench.leader.slot) bench.leader.slot.confirmed = bench.leader.position;
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stopped');
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-2006' });
  });

  it('stops with MR-2005 when the slot is gone', async () => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    bench.put([1, 'one', null]);
    await bench.replicated();
    await bench.stop();
    bench.leader.dropSlot();
    bench.put([2, 'lost', null]);
    bench.start();
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-2005' });
  });
});

describe('a transaction larger than the limits', () => {
  it('goes into the log in parts and counts as one record', async () => {
    bench = new Bench();
    bench.start({ limits: { part_bytes: 1_000, batch_bytes: 1_000, queued_bytes: 2_000 } });
    await until(() => bench.leader.slot?.holder !== undefined);
    bench.put([100_000, 'before', null]);
    const transaction = bench.leader.begin();
    for (let i = 0; i < 500; i++) transaction.insert(orders, [String(i), 'many', large]);
    transaction.commit();
    const replica = await bench.replicated();
    const sizes = replica.records.map(({ record }) => (record.kind === 'progress' ? record.events : 0n));
    expect(sizes).toContain(500n);
  });
});

describe('followers', () => {
  it('that ask for their tables get a snapshot begun afterwards, once', async () => {
    bench = new Bench();
    for (let i = 0; i < 12; i++) bench.put([i, 'n', large]);
    const capture = bench.start({ limits: { chunk_rows: 5 } });
    await until(() => capture.status().state.name === 'stream');
    const replica = await bench.replicated();
    const last = replica.records.at(-1);
    if (!last) throw new Error('there are records');
    await new FollowerReports(bench.server.open()).report({
      follower: 'replica',
      logId: bench.server.id,
      storeId: new Uint8Array(16),
      owner: new Uint8Array(16),
      state: 'building',
      position: last.state.to,
      anchor: anchorOf(last.state),
      reportedAt_ms: 0,
      tablesBuilding: [],
      requests: [{ kind: 'snapshot', topics: [], number: 1 }],
    });
    await until(async () => {
      await replica.catchUp();
      return replica.records.some(
        ({ record }) => record.kind === 'progress' && record.snapshotDone && record.chunk?.snapshot === 2,
      );
    });
    await systemClock.sleep(50);
    await replica.catchUp();
    const ids = replica.records.flatMap(({ record }) =>
      record.kind === 'open' ? record.snapshots.map(({ id }) => id) : [],
    );
    expect(Math.max(...ids)).toBe(2);
    await bench.replicated();
  });
});
