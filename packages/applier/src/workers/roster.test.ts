import { getEventListeners } from 'node:events';
import { MemoryFollower, MemoryFollowerStore } from '@millrace/follower';
import { silentLogger, systemClock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { Roster } from './roster.js';

it('leaves nothing on the signal of a service that beats for months', async () => {
  const { workers: table } = new MemoryFollower(new MemoryFollowerStore(), 'replica');
  const stop = new AbortController();
  const roster = new Roster({
    table,
    identity: { host: 'mill', pid: 7 },
    beat_ms: 1,
    silence_ms: 1_000,
    follower: 'replica',
    clock: systemClock,
    logger: silentLogger,
  });
  await roster.untilActive(stop.signal, () => undefined);
  let beats = 0;
  const { beat } = table;
  table.beat = (note) => {
    beats++;
    return beat.call(table, note);
  };
  const beating = roster.beatUntil(stop.signal);
  await expect.poll(() => beats, { interval: 5 }).toBeGreaterThan(30);
  // One of the pause, or one of the beat.
  expect(getEventListeners(stop.signal, 'abort').length).toBeLessThanOrEqual(1);
  stop.abort();
  await beating;
});
