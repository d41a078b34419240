import { anchorOf, decodeRecord, encodeRecord, FollowerReports, type MemoryLogFaults } from '@millrace/log';
import { lsn } from '@millrace/model';
import { Fault, systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Bench, large, lines, orders, until } from './memory/capture-bench.sample.js';
import { MemoryLeader } from './memory/leader.js';
import { testColumn, testRelation } from './memory/shop.js';

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

describe('a topic that was lost', () => {
  const lose = async (): Promise<void> => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    for (let i = 0; i < 20; i++) bench.put([i, 'kept on the leader', null]);
    await bench.replicated();
    await bench.stop();
    bench.server.recreateTopic('shop.public.orders');
  };

  it('stops a capture that starts, with MR-3005', async () => {
    await lose();
    bench.start();
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-3005' });
  });

  it('begins anew by policy, its tables are read again, and later captures take it for whole', async () => {
    await lose();
    const capture = bench.start({ policies: { onGap: 'resnapshot' } });
    await until(() => capture.status().state.name === 'stream');
    const log = bench.server.open();
    const rows = async (): Promise<bigint> => {
      let high = 0n;
      for (let p = 0; p < 3; p++) high += (await log.watermarks('shop.public.orders', p)).high;
      return high;
    };
    await vi.waitFor(async () => expect(await rows()).toBe(20n));
    await bench.stop();
    bench.put([20, 'after', null]);
    const successor = bench.start();
    await until(() => successor.status().state.name === 'stream');
    await vi.waitFor(async () => expect(await rows()).toBe(21n));
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

describe('the log misbehaves', () => {
  it('claims anew after an append whose outcome is unknown', async () => {
    bench = new Bench();
    let left = 3;
    const faults: MemoryLogFaults = {
      append: () => {
        if (left === 0 || Math.random() < 0.7) return {};
        left--;
        return { lost: true, applied: Math.random() < 0.5 };
      },
    };
    bench.server.faults = faults;
    bench.start();
    for (let i = 0; i < 30; i++) {
      bench.put([i, `n${i}`, null]);
      await systemClock.sleep(1);
    }
    await bench.replicated();
  });

  it('waits visibly while the log cannot be written, and heals', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    let broken = true;
    bench.server.faults = { append: () => ({ applied: !broken }) };
    bench.put([1, 'one', null]);
    await until(() => capture.status().waiting?.startsWith('MR-3008') === true);
    broken = false;
    await bench.replicated();
    expect(capture.status().epoch).toBe(1);
  });
});

describe('a capture that claimed and could not read its claim back', () => {
  it('goes on by a new claim, and does not take its own for a successor’s', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    let isAway = false;
    bench.server.faults = {
      before: (operation) =>
        isAway && (operation === 'read' || operation === 'watermarks')
          ? Promise.reject(new Fault('MR-3008', { detail: 'brokers are away' }))
          : undefined,
      append: () => {
        if (capture.status().state.name === 'claim') isAway = true;
        return {};
      },
    };
    bench.leader.cutConnection('test');
    await until(() => isAway && capture.status().state.name === 'wait');
    isAway = false;
    bench.server.faults = {};
    bench.put([1, 'one', null]);
    await bench.replicated();
    expect(capture.status().state.name).toBe('stream');
    expect(capture.status().epoch).toBe(3);
  });
});

describe('a superseded capture', () => {
  it('changes nothing any more and says that it is fenced', async () => {
    bench = new Bench();
    const first = bench.start();
    await until(() => first.status().state.name === 'stream');
    bench.put([1, 'one', null]);
    await bench.replicated();
    // The server gave up on the first one's connection, which does not know it.
    const held = bench.leader.slot;
    if (held) held.holder = undefined;
    const second = bench.start();
    await until(() => second.status().state.name === 'stream');
    bench.put([2, 'two', null]);
    await until(() => first.status().state.name === 'fenced');
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-2009' });
    await bench.replicated();
  });

  it('is fenced, and does not claim again, when its connection was lost before it learned of its successor', async () => {
    bench = new Bench();
    const first = bench.start();
    await until(() => first.status().state.name === 'stream');
    const log = bench.server.open();
    const claim = { logId: log.id, epoch: 2, nonce: new Uint8Array(16).fill(2), seq: 0n };
    bench.leader.cutConnection('paused for too long');
    await log.progress.appendClaim(
      encodeRecord({ ...claim, kind: 'claim', host: 'other', pid: 2, version: 'test' }),
      { epoch: 2, nonce: claim.nonce },
    );
    await until(() => first.status().state.name === 'fenced');
    const { records } = await log.progress.read(0n, 1 << 20);
    expect(decodeRecord(records.at(-1)?.bytes ?? Buffer.alloc(0))).toMatchObject({ kind: 'claim', epoch: 2 });
  });
});

describe('a record that nobody passes (R26)', () => {
  const barriers = (replica: Awaited<ReturnType<Bench['replicated']>>): bigint[] =>
    replica.records.flatMap(({ record }) =>
      record.kind === 'progress' && record.barrier ? [record.events] : [],
    );

  it('holds the transaction of a truncate alone, whatever was received with it', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'before', null]);
    const transaction = bench.leader.begin();
    transaction.insert(orders, ['2', 'gone', null]);
    transaction.truncate(orders);
    transaction.insert(orders, ['3', 'stays', null]);
    transaction.commit();
    bench.put([4, 'after', null]);
    const replica = await bench.replicated();
    expect(replica.rows(orders).map(([id]) => id)).toEqual(['3', '4']);
    expect(barriers(replica)).toEqual([3n]);
  });

  it('holds a key change whose new row lacks a column', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'one', large]);
    const transaction = bench.leader.begin();
    transaction.update(orders, ['1', null, null], ['2', 'one', large]);
    transaction.commit();
    bench.put([4, 'after', null]);
    expect(barriers(await bench.replicated())).toEqual([2n]);
  });
});

describe('a leader that failed over', () => {
  it('goes on under a new history when nothing published is missing', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'one', null]);
    await bench.replicated();
    bench.leader.failover(bench.leader.position);
    bench.put([2, 'two', null]);
    const replica = await bench.replicated();
    expect(replica.position.history).toBe(1);
  });

  it('stops with MR-2007 when published commits never happened', async () => {
    bench = new Bench();
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    bench.put([1, 'one', null]);
    const forkAt = bench.leader.position;
    bench.put([2, 'lost', null]);
    await bench.replicated();
    bench.leader.failover(forkAt);
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-2007' });
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

describe('schema changes', () => {
  it('make a barrier of the transaction that brings them, whose keys may be of two forms (R26)', async () => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    bench.put([1, 'one', null]);
    const rekeyed = testRelation(orders, 'orders', {
      columns: [
        testColumn(1, 'id', 'text', { notNull: true }),
        testColumn(2, 'name', 'text'),
        testColumn(3, 'note', 'text'),
      ],
    });
    bench.leader.alter(rekeyed, (row) => row);
    const transaction = bench.leader.begin();
    transaction.insert(orders, ['2', 'two', null]);
    transaction.insert(orders, ['3', 'three', null]);
    transaction.commit();
    bench.put([4, 'after', null]);
    const { records } = await bench.replicated();
    const shape = records.findIndex(
      ({ record }) => record.kind === 'schema' && record.shape.relation.columns[0]?.type.sql === 'text',
    );
    expect(records[shape + 1]?.record).toMatchObject({ kind: 'progress', barrier: true, events: 2n });
    expect(records.at(-1)?.record).toMatchObject({ kind: 'progress', barrier: false, events: 1n });
  });

  it('are records before the first event of the new shape', async () => {
    bench = new Bench();
    bench.start();
    await until(() => bench.leader.slot?.holder !== undefined);
    bench.put([1, 'one', null]);
    const wider = testRelation(orders, 'orders', {
      columns: [
        testColumn(1, 'id', 'int4', { notNull: true }),
        testColumn(3, 'remark', 'text'),
        testColumn(4, 'extra', 'int4', { missing: '7' }),
      ],
    });
    bench.leader.alter(wider, ([id, , note]) => [id, note, '7']);
    const transaction = bench.leader.begin();
    transaction.insert(orders, ['2', 'remark', '8']);
    transaction.commit();
    const replica = await bench.replicated();
    expect(replica.rows(orders)).toEqual([
      ['1', null, '7'],
      ['2', 'remark', '8'],
    ]);
  });
});
