import { MemoryFollower, MemoryFollowerStore } from '@millrace/follower';
import { eventFlags, FollowerReports, type SnapshotState } from '@millrace/log';
import type { Column, Relation } from '@millrace/model';
import { Fault, silentLogger, systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, topic } from './testing/applier-bench.sample.js';
import { items, itemsCodec, textColumn } from './testing/items.js';

const widened: Relation = { ...items, columns: [...items.columns, textColumn(4, 'rank', 'none')] };

let bench: Bench;
afterEach(async () => bench.stop());

describe('An applier', () => {
  it('applies what counting records cover, and moves the position with the rows', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'large'] }]);
    await bench.chain.transaction(120n, [
      { topic: 1, op: 'u', after: ['1', 'b', undefined] },
      { topic: 1, op: 'c', after: ['2', 'c', null] },
    ]);
    const { applier } = bench.start();
    await bench.reached(120n);
    expect(bench.rows()).toEqual([
      ['1', 'b', 'large'],
      ['2', 'c', null],
    ]);
    expect(bench.store.state.row?.state).toBe('exact');
    expect(applier.status().applied).toMatchObject({ transactions: 2, events: 3 });
  });

  it('applies a column added in the middle of a transaction to older events of the same transaction', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    await bench.chain.schema(1, widened, [{ kind: 'add-column', column: widened.columns[3] as Column }]);
    await bench.chain.transaction(120n, [
      { topic: 1, op: 'c', version: 1, after: ['2', 'b', 'y'] },
      { topic: 1, op: 'c', version: 2, after: ['3', 'c', 'z', 'first'] },
    ]);
    bench.start();
    await bench.reached(120n);
    expect(bench.rows()).toEqual([
      ['1', 'a', 'x', 'none'],
      ['2', 'b', 'y', 'none'],
      ['3', 'c', 'z', 'first'],
    ]);
  });

  it('keeps a row that is deleted in the old shape and inserted in the new one', async () => {
    bench = new Bench(new MemoryFollowerStore(), itemsCodec('avro'));
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    await bench.chain.schema(1, widened, [{ kind: 'add-column', column: widened.columns[3] as Column }]);
    await bench.chain.transaction(
      120n,
      [
        { topic: 1, op: 'd', version: 1, before: ['1', 'a', 'x'] },
        { topic: 1, op: 'c', version: 2, after: ['1', 'b', 'y', 'first'] },
      ],
      { barrier: true },
    );
    bench.start();
    await bench.reached(120n);
    expect(bench.rows()).toEqual([['1', 'b', 'y', 'first']]);
  });

  it('stops before it takes an old row for one of the new key', async () => {
    const rekeyed: Relation = { ...items, key: [0, 1] };
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    await bench.chain.schema(1, rekeyed, [{ kind: 'change-key', fromKey: [1], toKey: [1, 2] }]);
    await bench.chain.transaction(120n, [{ topic: 1, op: 'u', version: 1, after: ['1', 'b', 'x'] }], {
      barrier: true,
    });
    const { ended } = bench.start();
    expect((await ended)?.code).toBe('MR-4008');
    expect(bench.rows()).toEqual([['1', 'a', 'x']]);
  });

  it('still reads the older events after a restart between the schema change and its transaction', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    await bench.chain.schema(1, widened, [{ kind: 'add-column', column: widened.columns[3] as Column }]);
    bench.start();
    await expect.poll(() => bench.rows()[0]?.length, { interval: 2 }).toBe(4);
    await bench.stop();
    await bench.chain.transaction(120n, [{ topic: 1, op: 'c', version: 1, after: ['2', 'b', 'y'] }]);
    bench.start();
    await bench.reached(120n);
    expect(bench.rows()[1]).toEqual(['2', 'b', 'y', 'none']);
  });

  it('refuses a changed shape under policy strict, before anything of it is applied', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.schema(1, widened, [{ kind: 'add-column', column: widened.columns[3] as Column }]);
    const { applier, ended } = bench.start({ policies: { schema: 'strict' } });
    expect((await ended)?.code).toBe('MR-4008');
    expect(applier.status().phase).toBe('stopped');
    expect(bench.store.state.tables.get(topic)?.mirrored.version).toBe(1);
  });

  it('leaves added columns out under policy ignore, through restarts', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.schema(1, widened, [{ kind: 'add-column', column: widened.columns[3] as Column }]);
    await bench.chain.transaction(120n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x', 'first'] }]);
    bench.start({ policies: { schema: 'ignore' } });
    await bench.reached(120n);
    await bench.stop();
    await bench.chain.transaction(130n, [{ topic: 1, op: 'c', after: ['2', 'b', 'y', 'second'] }]);
    bench.start({ policies: { schema: 'ignore' } });
    await bench.reached(130n);
    expect(bench.rows()).toEqual([
      ['1', 'a', 'x'],
      ['2', 'b', 'y'],
    ]);
  });

  it('is building until the record that completes the snapshot its open announced', async () => {
    bench = new Bench();
    const snapshot: SnapshotState = {
      id: 1,
      kind: 'initial',
      startedAt: { history: 0, end: 100n as never },
      tables: [{ topic: 1, remaining: [{ after: null, upTo: null }] }],
    };
    await bench.chain.open({ snapshots: [snapshot] });
    await bench.chain.table(1, topic, items);
    bench.start();
    await expect.poll(() => bench.store.state.row?.state, { interval: 2 }).toBe('building');
    const chunk = { snapshot: 1, table: 1, chunk: 3, cursor: null };
    await bench.chain.transaction(100n, [{ topic: 1, op: 'r', after: ['1', 'a', 'x'] }], {
      chunk,
      snapshotDone: true,
    });
    await expect.poll(() => bench.store.state.row?.state, { interval: 2 }).toBe('exact');
    expect(bench.store.state.tables.get(topic)?.mirrored.state).toBe('exact');
    expect(bench.rows()).toEqual([['1', 'a', 'x']]);
  });

  it('stops before a record whose events are not all there, and says so in its report', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    await bench.chain.transaction(120n, [{ topic: 1, op: 'c', after: ['2', 'b', 'y'] }], {
      count: 2,
      barrier: true,
    });
    const { ended } = bench.start();
    expect((await ended)?.code).toBe('MR-3004');
    expect(bench.store.state.row?.position.end).toBe(110n);
    expect(bench.rows()).toEqual([['1', 'a', 'x']]);
    const report = await new FollowerReports(bench.log).get('replica');
    expect(report).toMatchObject({ state: 'stopped', fault: { code: 'MR-3004' } });
  });

  it('looks at least once a second whether a store that another process holds is free', async () => {
    bench = new Bench();
    await bench.shop();
    const pauses_ms: number[] = [];
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => {
        pauses_ms.push(ms);
        return systemClock.sleep(Math.min(ms, 1), signal);
      },
    };
    let held = 14;
    const before = (step: string): void => {
      if (step === 'takeOver' && held-- > 0) throw new Fault('MR-4009', { detail: 'held by pid 7' });
    };
    const follower = new MemoryFollower(bench.store, 'replica', { before });
    bench.start({ follower, surroundings: { clock, logger: silentLogger, random: () => 0.999 } });
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    await bench.reached(110n);
    expect(Math.max(...pauses_ms.filter((ms) => ms > 10))).toBeLessThanOrEqual(1_000);
    expect(pauses_ms.filter((ms) => ms > 10).length).toBeGreaterThanOrEqual(14);
  });

  it('is fenced by a successor, which goes on without a gap', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    const first = bench.start();
    await bench.reached(110n);
    await new MemoryFollower(bench.store, 'replica').takeOver(new Uint8Array(16).fill(9));
    expect((await first.ended)?.code).toBe('MR-4003');
    bench.start();
    expect(first.applier.status().phase).toBe('fenced');
    await bench.chain.transaction(120n, [{ topic: 1, op: 'u', after: ['1', 'b', 'x'] }]);
    await bench.reached(120n);
    expect(bench.rows()).toEqual([['1', 'b', 'x']]);
  });

  it('moves a row whose key changed while its large value stayed', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'large'] }]);
    bench.start();
    await bench.reached(110n);
    await bench.chain.transaction(120n, [
      { topic: 1, op: 'd', before: ['1', null, null], flags: eventFlags.keyChangeFirst },
      { topic: 1, op: 'c', after: ['2', 'b', undefined], flags: eventFlags.keyChangeSecond },
    ]);
    await bench.reached(120n);
    expect(bench.rows()).toEqual([['2', 'b', 'large']]);
  });

  it('streams a transaction larger than its memory limits into one follower transaction', async () => {
    bench = new Bench();
    await bench.shop();
    const rows = Array.from(
      { length: 500 },
      (_, i) => ({ topic: 1, op: 'c', after: [String(i), 'a', 'x'] }) as const,
    );
    await bench.chain.transaction(110n, rows);
    const sizes: number[] = [];
    const follower = new MemoryFollower(bench.store, 'replica', {
      before: () => {
        sizes.push(bench.rows().length);
      },
    });
    bench.start({ follower, limits: { write_rows: 50, read_bytes: 2_000, idle_ms: 10 } });
    await bench.reached(110n);
    expect(bench.rows()).toHaveLength(500);
    // Eleven or more calls, and nothing visible before the commit.
    expect(sizes.filter((size) => size === 0).length).toBeGreaterThan(10);
    expect(new Set(sizes.slice(0, -1))).toEqual(new Set([0]));
  });

  it('waits out a store that is away, visibly, and goes on by itself', async () => {
    bench = new Bench();
    await bench.shop();
    await bench.chain.transaction(110n, [{ topic: 1, op: 'c', after: ['1', 'a', 'x'] }]);
    let away = true;
    const follower = new MemoryFollower(bench.store, 'replica', {
      before: (step) => {
        if (away && step === 'begin') throw new Fault('MR-4001', { detail: 'no route to store' });
      },
    });
    const { applier } = bench.start({ follower });
    await expect.poll(() => applier.status().waiting?.code, { interval: 2 }).toBe('MR-4001');
    expect(applier.status().phase).toBe('waiting');
    away = false;
    await bench.reached(110n);
    await expect.poll(() => applier.status().phase, { interval: 2 }).toBe('idle');
    expect(applier.status().waiting).toBeUndefined();
  });
});
