import { MemoryFollowerStore } from '@millrace/follower';
import { MemoryLogServer } from '@millrace/log';
import type { Relation } from '@millrace/model';
import { Fault, systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { itemsCodec, items as threeColumns } from '../testing/items.js';
import { ScriptedChain } from '../testing/scripted-chain.js';
import { Worker, workerSilence_ms } from '../testing/worker.js';

const items: Relation = { ...threeColumns, columns: threeColumns.columns.slice(0, 2) };
const codec = itemsCodec();
describe('Several appliers of one follower', () => {
  const workers: Worker[] = [];
  let server: MemoryLogServer;
  let store: MemoryFollowerStore;
  let chain: ScriptedChain;

  async function stage(): Promise<void> {
    server = new MemoryLogServer({ clock: systemClock });
    store = new MemoryFollowerStore();
    chain = new ScriptedChain(server.open(), codec, 100n);
    await chain.open();
    await chain.table(1, 'shop.public.items', items);
  }
  function start(): Worker {
    const worker = new Worker(store, server.open(), codec);
    workers.push(worker);
    return worker;
  }
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  });
  const insert = (end: bigint): Promise<void> =>
    chain.transaction(end, [{ topic: 1, op: 'c', after: [String(end), 'x'] }]);
  const reached = (end: bigint): Promise<void> =>
    expect.poll(() => store.state.row?.position.end, { interval: 2, timeout: 3_000 }).toBe(end);
  const untilPhase = (worker: Worker, phase: string): Promise<void> =>
    expect.poll(() => worker.phase, { interval: 2, timeout: 3_000 }).toBe(phase);

  it('leave the work to the first, and show who it is', async () => {
    await stage();
    const first = start();
    await insert(110n);
    await reached(110n);
    const owner = store.state.row?.owner;
    const second = start();
    await untilPhase(second, 'standby');
    await insert(120n);
    await reached(120n);
    expect(store.state.row?.owner).toEqual(owner);
    expect(second.applier.status().waiting?.reason).toMatch(
      /^standby: worker [0-9a-f]{8} on mill \(pid 7\) is active$/,
    );
    // As of its last beat, which may be one before the second entered.
    await expect
      .poll(() => first.applier.status().others.map(({ id }) => id))
      .toEqual([second.follower.workers.id]);
  });

  it('that start at the same instant agree on one, and none of them is fenced', async () => {
    await stage();
    const all = [start(), start(), start(), start()];
    await insert(110n);
    await reached(110n);
    await expect
      .poll(() => all.filter(({ phase }) => phase === 'standby').length, { interval: 2, timeout: 3_000 })
      .toBe(3);
    await insert(120n);
    await reached(120n);
    expect(all.every(({ phase }) => phase !== 'fenced')).toBe(true);
  });

  it('hand over at once when the active one stops', async () => {
    await stage();
    const first = start();
    await insert(110n);
    await reached(110n);
    const second = start();
    await untilPhase(second, 'standby');
    const stopped_ms = performance.now();
    await first.stop();
    await insert(120n);
    await reached(120n);
    expect(performance.now() - stopped_ms).toBeLessThan(workerSilence_ms);
    expect(second.phase).not.toBe('standby');
  });

  it('take over from one that froze within a transaction; when it wakes up it changes nothing and says that it is fenced', async () => {
    await stage();
    const first = start();
    await insert(110n);
    await reached(110n);
    const second = start();
    await untilPhase(second, 'standby');
    // Frozen between its first statement and its commit: it holds the row.
    first.freeze();
    await insert(120n);
    await reached(120n);
    expect(second.phase).not.toBe('standby');
    first.thaw();
    expect((await first.ended)?.code).toBe('MR-4003');
    expect(first.phase).toBe('fenced');
    await insert(130n);
    await reached(130n);
    expect(store.state.tables.get('shop.public.items')?.sorted()).toHaveLength(3);
  });

  it('let another one try when something fails for the active one alone', async () => {
    await stage();
    const first = start();
    await insert(110n);
    await reached(110n);
    const second = start();
    await untilPhase(second, 'standby');
    const { begin } = first.follower;
    first.follower.begin = async () => {
      throw new Fault('MR-4001', { detail: 'no route from here' });
    };
    await insert(120n);
    await reached(120n);
    await untilPhase(first, 'standby');
    first.follower.begin = begin;
    await second.stop();
    await insert(130n);
    await reached(130n);
  });
});
