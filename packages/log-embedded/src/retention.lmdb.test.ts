import { join } from 'node:path';
import { anchorOf, ChainReader, type FollowerReport, FollowerReports } from '@millrace/log';
import { type Clock, systemClock } from '@millrace/runtime';
import { tempFolder } from '@millrace/test-support';
import { afterEach, expect, it } from 'vitest';
import type { EmbeddedLog, EmbeddedLogOptions } from './options.js';
import { Epoch, eventsOf, openLog, topic } from './testing/session.js';

let log: EmbeddedLog;
afterEach(() => log.close());

async function freshLog(options: Partial<EmbeddedLogOptions>): Promise<Epoch> {
  log = await openLog(join(tempFolder('log'), 'log'), options);
  return Epoch.begin(log);
}

/** Writes the anchor at the chain's present head, as capture does after a checkpoint. */
async function anchor(): Promise<bigint> {
  const reader = new ChainReader(log, { kind: 'start' });
  await reader.readToHead();
  await new FollowerReports(log).writeAnchor(anchorOf(reader.state));
  return reader.state.offset;
}

async function register(follower: string): Promise<void> {
  const reader = new ChainReader(log, { kind: 'start' });
  await reader.readToHead();
  const report: FollowerReport = {
    follower,
    logId: log.id,
    storeId: log.id,
    owner: log.id,
    state: 'exact',
    position: reader.state.to,
    anchor: anchorOf(reader.state),
    reportedAt_ms: 0,
    tablesBuilding: [],
  };
  await new FollowerReports(log).report(report);
}

it('removes what is beyond its bytes, records and events alike, up to the newest anchor', async () => {
  const epoch = await freshLog({ retention: { bytes: 30_000, followers: 'hold' } });
  for (let i = 0; i < 20; i++) await epoch.commit(20, 50);
  expect((await log.retain()).freed_bytes).toBe(0);
  const newest = await anchor();
  const before = await log.stats();
  const outcome = await log.retain();
  const after = await log.stats();
  expect(after.used_bytes).toBeLessThanOrEqual(30_000);
  expect(after.used_bytes).toBeGreaterThan(20_000);
  expect(before.used_bytes - after.used_bytes).toBe(outcome.freed_bytes);
  expect(after.progress.low).toBe(outcome.progressBefore);
  expect(after.progress.low).toBeLessThanOrEqual(newest);
  const kept = BigInt(after.topics[0]!.partitions[0]!.high - after.topics[0]!.partitions[0]!.low);
  expect(kept % 20n).toBe(0n);
});

it('under hold never passes a registered follower, and says who holds; under drop it does', async () => {
  for (const followers of ['hold', 'drop'] as const) {
    const epoch = await freshLog({ retention: { bytes: 1, followers } });
    await epoch.commit(20);
    await register('slow');
    const slow = (await new FollowerReports(log).get('slow'))!.anchor;
    for (let i = 0; i < 5; i++) await epoch.commit(20);
    await anchor();
    const outcome = await log.retain();
    const reader = new ChainReader(log, { kind: 'anchor', anchor: slow });
    if (followers === 'hold') {
      expect(outcome).toMatchObject({ progressBefore: slow.offset, heldBy: 'slow' });
      expect((await log.stats()).heldBy).toBe('slow');
      expect(await reader.readToHead()).toHaveLength(5);
      await log.close();
    } else {
      await expect(reader.readToHead()).rejects.toMatchObject({ code: 'MR-3003' });
    }
  }
});

it('removes by age, by the clock it was given', async () => {
  let now = 1_000_000;
  const clock: Clock = { ...systemClock, now: () => now };
  const epoch = await freshLog({ retention: { age_ms: 1_000, followers: 'hold' }, clock });
  await epoch.commit(5);
  now += 2_000;
  const young = await epoch.commit(5);
  await anchor();
  expect((await log.retain()).progressBefore).toBe(young);
});

it('R19, R18: keeps the parts of a record that comes after those it removes', async () => {
  const epoch = await freshLog({ retention: { bytes: 1, followers: 'hold' } });
  const [early] = await epoch.appender.append([{ topic, partition: 0, records: eventsOf(1, 500n, 3) }]);
  await epoch.commit(4);
  await epoch.commit(4);
  await anchor();
  expect((await log.retain()).freed_bytes).toBeGreaterThan(0);
  const { low } = await log.watermarks(topic, 0);
  expect(low).toBeLessThanOrEqual(early!.first);
  expect((await log.watermarks(topic, 1)).low).toBe(4n);
});

it('§12: collects events without a record at the next claim, and keeps the others', async () => {
  const epoch = await freshLog({ retention: { followers: 'hold' } });
  await epoch.commit(10, 1_000);
  const before = await log.stats();
  for (let i = 0; i < 3; i++)
    await epoch.appender.append([{ topic, partition: 1, records: eventsOf(1, 900n, 2_000, 100) }]);
  expect((await log.stats()).used_bytes).toBeGreaterThan(before.used_bytes + 600_000);
  const successor = await Epoch.begin(log);
  const after = await log.stats();
  expect(after.used_bytes - after.progress.bytes).toBe(before.used_bytes - before.progress.bytes);
  await successor.commit(10);
  expect((await log.watermarks(topic, 1)).high).toBe(6_000n + 20n);
});

it('MR-3009: refuses what does not fit, changes nothing, and heals by itself once there is room', async () => {
  const epoch = await freshLog({ max_bytes: 40_000, retention: { bytes: 10_000, followers: 'hold' } });
  await epoch.commit(20, 300);
  await register('slow');
  await epoch.commit(20, 300);
  await anchor();
  const before = await log.stats();
  const big = { topic, partition: 0, records: eventsOf(1, 500n, 30, 600) };
  await expect(epoch.appender.append([big])).rejects.toMatchObject({ code: 'MR-3009' });
  const held = await log.stats();
  expect(held.topics).toEqual(before.topics);
  expect(held).toMatchObject({ heldBy: 'slow', limit_bytes: 40_000 });
  await new FollowerReports(log).forget('slow');
  await epoch.appender.append([big]);
  expect((await log.stats()).used_bytes).toBeLessThanOrEqual(40_000);
});

it('gives freed space back to later events: the file does not grow with what passes through', async () => {
  const epoch = await freshLog({ retention: { bytes: 400_000, followers: 'hold' } });
  const sizes: number[] = [];
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 10; i++) await epoch.commit(200, 300);
    await anchorAtHead();
    await log.retain();
    sizes.push((await log.stats()).file_bytes);
  }
  expect(sizes[5]! / sizes[2]!).toBeLessThan(1.5);

  async function anchorAtHead(): Promise<void> {
    const reports = new FollowerReports(log);
    const known = await reports.readAnchor();
    const reader = new ChainReader(log, known ? { kind: 'anchor', anchor: known } : { kind: 'start' });
    await reader.readToHead();
    await reports.writeAnchor(anchorOf(reader.state));
  }
});
