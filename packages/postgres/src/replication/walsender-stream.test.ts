import { EventEmitter } from 'node:events';
import { lsn } from '@millrace/model';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PgClient } from '../connection/session.js';
import { Patience } from './liveness.js';
import { WalsenderStream } from './walsender-stream.js';

const silence: Parameters<WalsenderStream['run']>[0] = {
  payload: () => undefined,
  keepalive: () => undefined,
  room: () => undefined,
};
const statusOf = (flush: bigint) => ({ write: lsn(flush), flush: lsn(flush), apply: lsn(0n) });

const limit_ms = 3_600_000;

/** A connection on which nothing ever arrives. */
function silentClient(): PgClient {
  const socket = Object.assign(new EventEmitter(), {
    writable: true,
    write: () => true,
    pause: () => socket,
    resume: () => socket,
    isPaused: () => false,
  });
  return { connection: { stream: socket } } as unknown as PgClient;
}

/** Milliseconds after which a stream of a server with this wal_sender_timeout gives the silent server up. */
async function givenUpAfter_ms(
  walSenderTimeout_ms: number,
  patience: Patience,
  flush = 100n,
): Promise<number> {
  const identity = { systemId: 1n, timeline: 1, ancestry: [], walSenderTimeout_ms };
  const stream = new WalsenderStream(silentClient(), identity, patience);
  const from_ms = performance.now();
  let after_ms = 0;
  const ended = stream.run(silence, new AbortController().signal).catch((error: unknown) => {
    after_ms = performance.now() - from_ms;
    return error;
  });
  stream.report(statusOf(flush));
  while (after_ms === 0 && performance.now() - from_ms < limit_ms) await vi.advanceTimersByTimeAsync(5_000);
  expect(await ended).toMatchObject({ code: 'MR-2012' });
  return after_ms;
}

describe('a walsender that says nothing', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is not given up before its own timeout has passed: it may be at work on a large transaction', async () => {
    expect(await givenUpAfter_ms(300_000, new Patience())).toBeGreaterThan(300_000);
    expect(await givenUpAfter_ms(60_000, new Patience())).toBeLessThan(90_000);
  });

  it('is waited for longer by the next stream, until something more was confirmed', async () => {
    const patience = new Patience();
    const first_ms = await givenUpAfter_ms(60_000, patience);
    expect(await givenUpAfter_ms(60_000, patience)).toBeGreaterThanOrEqual(2 * first_ms - 10_000);
    expect(await givenUpAfter_ms(60_000, patience, 200n)).toBe(first_ms);
  });
});
