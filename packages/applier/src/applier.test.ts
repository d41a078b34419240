import { createCodec, memorySchemaStore } from '@millrace/codec';
import { MemoryFollower, MemoryFollowerStore } from '@millrace/follower';
import { eventFlags, FollowerReports, type Log, MemoryLogServer, type SnapshotState } from '@millrace/log';

import type { Column, Relation, Row } from '@millrace/model';
import { Fault, silentLogger, systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { type Applier, type ApplierOptions, createApplier } from './applier.js';
import { resyncFollower } from './resync.js';
import { ScriptedChain } from './testing/scripted-chain.js';

const column = (attnum: number, name: string, missing: string | null = null): Column => ({
  attnum,
  name,
  type: { oid: 25, schema: 'pg_catalog', name: 'text', kind: 'base', typmod: -1, sql: 'text' },
  notNull: false,
  generated: false,
  missing,
});

const items: Relation = {
  id: 7,
  schema: 'public',
  name: 'items',
  columns: [column(1, 'id'), column(2, 'name'), column(3, 'note')],
  identity: 'default',
  key: [0],
};
const widened: Relation = { ...items, columns: [...items.columns, column(4, 'rank', 'none')] };

const codec = createCodec({
  format: 'json',
  preset: 'lossless',
  schemas: memorySchemaStore(),
  connectorName: 'shop',
  database: 'shop',
  version: '0',
});

const topic = 'shop.public.items';
const start = 100n;

class Bench {
  readonly server: MemoryLogServer = new MemoryLogServer({ clock: systemClock });
  readonly log: Log = this.server.open();
  readonly chain = new ScriptedChain(this.log, codec, start);
  readonly store: MemoryFollowerStore;
  readonly #running: { readonly abort: AbortController; readonly ended: Promise<Fault | undefined> }[] = [];

  constructor(store = new MemoryFollowerStore()) {
    this.store = store;
  }

  async shop(relation = items): Promise<void> {
    await this.chain.open();
    await this.chain.table(1, topic, relation);
  }

  start(options: Partial<ApplierOptions> = {}): {
    readonly applier: Applier;
    readonly ended: Promise<Fault | undefined>;
  } {
    const applier = createApplier({
      name: 'replica',
      log: this.server.open(),
      codec,
      follower: new MemoryFollower(this.store, 'replica'),
      limits: { idle_ms: 10, report_ms: 1, worker_beat_ms: 5, worker_silence_ms: 200 },
      surroundings: { clock: systemClock, logger: silentLogger, random: Math.random },
      ...options,
    });
    const abort = new AbortController();
    const ended = applier.run(abort.signal).then(
      () => undefined,
      (fault: Fault) => fault,
    );
    this.#running.push({ abort, ended });
    return { applier, ended };
  }

  async stop(): Promise<void> {
    for (const { abort } of this.#running) abort.abort();
    await Promise.all(this.#running.map(({ ended }) => ended));
  }

  rows(name = topic): readonly Row[] {
    return this.store.state.tables.get(name)?.sorted() ?? [];
  }

  /** Waits until the follower stands at `end`. */
  async reached(end: bigint): Promise<void> {
    await expect.poll(() => this.store.state.row?.position.end, { interval: 2, timeout: 3000 }).toBe(end);
  }
}

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
