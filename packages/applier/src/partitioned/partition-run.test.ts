import { createCodec, memorySchemaStore } from '@millrace/codec';
import { MemoryFollower, MemoryFollowerStore } from '@millrace/follower';
import { ChainReader, MemoryLogServer, readRecordEvents } from '@millrace/log';
import { silentLogger, systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { applierDecisions } from '../decisions.js';
import { defaultLimits, defaultPolicies } from '../policies.js';
import { initialPosition } from '../registration.js';
import { resyncFollower } from '../resync.js';
import type { SessionSettings } from '../session-scope.js';
import { PartitionedShop } from '../testing/partitioned-shop.js';
import { PartitionRun } from './partition-run.js';

const codec = createCodec({
  format: 'json',
  preset: 'lossless',
  schemas: memorySchemaStore(),
  connectorName: 'shop',
  database: 'shop',
  version: '0',
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
  const settings: SessionSettings = {
    name: 'replica',
    log,
    codec,
    limits: { ...defaultLimits, idle_ms: 10 },
    policies: defaultPolicies,
    decisions: applierDecisions,
    surroundings: { clock: systemClock, logger: silentLogger, random: Math.random },
    openChain: (of, start) => new ChainReader(of, start),
    readEvents: readRecordEvents,
  };
  const newest = async (): Promise<number> => 2;
  const division = { count: 4, registration: 1, newest };
  const run = new PartitionRun(number, division, partitioned.open(number), settings);
  return { run, moved: () => store.state.partitions?.[number]?.position !== before };
}

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
