import { MemoryFollower, MemoryFollowerStore, type PositionRow } from '@millrace/follower';
import {
  anchorOf,
  ChainReader,
  type CountingRecord,
  encodeAnchor,
  type Log,
  MemoryLogServer,
  readRecordEvents,
} from '@millrace/log';
import { lsn } from '@millrace/model';
import { silentLogger, systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { applierDecisions } from '../decisions.js';
import { defaultLimits, defaultPolicies } from '../policies.js';
import { initialPosition } from '../registration/registration.js';
import { resyncFollower } from '../registration/resync.js';
import type { SessionSettings } from '../session/session-scope.js';
import { itemsCodec } from '../testing/items.js';
import { PartitionedShop, topicName } from '../testing/partitioned-shop.js';
import { type Division, PartitionRun } from './partition-run.js';

const codec = itemsCodec();

const settingsOn = (log: Log): SessionSettings => ({
  name: 'replica',
  log,
  codec,
  limits: { ...defaultLimits, idle_ms: 10 },
  policies: defaultPolicies,
  decisions: applierDecisions,
  surroundings: { clock: systemClock, logger: silentLogger, random: Math.random },
  openChain: (of, start) => new ChainReader(of, start),
  readEvents: readRecordEvents,
});
/** As the first registration had it. */
const division = (count: number, now: number): Division => ({
  count,
  registration: 1,
  newest: async () => now,
});

/** A follower of four partitions that was registered anew with `count`, unseen by a worker that takes partition `number` of four. */
async function takenLate(
  number: number,
  count: number,
): Promise<{ run: PartitionRun; moved: () => boolean }> {
  const log = new MemoryLogServer({ clock: systemClock }).open();
  const shop = new PartitionedShop(log, codec, Math.random);
  await shop.open();
  const store = new MemoryFollowerStore();
  const follower = new MemoryFollower(store, 'replica');
  const { partitioned } = follower;
  await partitioned.register(await initialPosition(log), 4, { reset: false });
  await resyncFollower(follower, log, { kind: 'partitioned', partitions: count });
  const before = store.state.partitions?.[number]?.position;
  await shop.commit();
  const run = new PartitionRun(number, division(4, 2), partitioned.open(number), settingsOn(log));
  return { run, moved: () => store.state.partitions?.[number]?.position !== before };
}

describe('The work on a partition', () => {
  it('goes on behind a fork that another worker saw first, and applies nothing of what it takes back', async () => {
    const log = new MemoryLogServer({ clock: systemClock }).open();
    const shop = new PartitionedShop(log, codec, Math.random);
    await shop.open();
    const { end } = shop;
    const store = new MemoryFollowerStore();
    const other = new MemoryFollower(store, 'replica');
    await other.partitioned.register(await initialPosition(log), 2, { reset: false });
    // Holds the session back where it is about to begin a transaction.
    let go = (): void => undefined;
    let isHeld = false;
    let gate: Promise<void> | undefined;
    const { partitioned } = new MemoryFollower(store, 'replica', {
      before: (call) => {
        isHeld = call === 'begin' && gate !== undefined;
        return isHeld ? gate : undefined;
      },
    });
    const zero = new PartitionRun(0, division(2, 1), other.partitioned.open(0), settingsOn(log));
    const one = new PartitionRun(1, division(2, 1), partitioned.open(1), settingsOn(log));
    const positions = (): unknown => store.state.partitions?.map(({ position }) => position);
    await expect.poll(positions).toEqual(Array(2).fill({ history: 0, end }));
    zero.release();
    await zero.ended;
    const [row] = store.state.partitions ?? [];
    const { owner: _owner, generation: _generation, ...from } = row as PositionRow;
    gate = new Promise((resolve) => {
      go = resolve;
    });
    const taken = { topic: 1, op: 'c', after: ['1', 'never', 'was'], partition: 1 } as const;
    await shop.chain.transaction(end + 10n, [taken]);
    await expect.poll(() => isHeld).toBe(true);
    await shop.chain.open({ fork: { forkAt: lsn(end + 1n) } });
    let head: CountingRecord | undefined;
    await new ChainReader(log, { kind: 'start' }).readToHead((record) => {
      head = record;
    });
    const { state } = head as CountingRecord;
    const first = other.partitioned.open(0);
    await first.takeOver(new Uint8Array(16).fill(9));
    const to = { ...from, position: state.to, anchor: encodeAnchor(anchorOf(state)) };
    await (await first.beginAll(from, to))?.commit();
    go();
    await shop.chain.transaction(end + 20n, [{ ...taken, after: ['1', 'is', 'so'] }]);
    await expect.poll(() => store.state.partitions?.[1]?.position).toEqual({ history: 1, end: end + 20n });
    expect([...(store.state.tables.get(topicName)?.rows() ?? [])]).toEqual([['1', 'is', 'so']]);
    one.release();
    expect(await one.ended).toEqual({ kind: 'released' });
  });
});

describe('The work on a partition of a follower that was registered anew', () => {
  it('ends before the first row, since its events are other ones among another number of partitions', async () => {
    const { run, moved } = await takenLate(1, 3);
    expect(await run.ended).toEqual({ kind: 'anew' });
    expect(moved()).toBe(false);
  });

  it('ends without a fault where there is no such partition any more', async () => {
    const { run } = await takenLate(3, 2);
    expect(await run.ended).toEqual({ kind: 'anew' });
  });
});
