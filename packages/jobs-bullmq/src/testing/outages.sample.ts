import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger, systemClock } from '@millrace/runtime';
import { waitFor } from '@millrace/test-support';
import { expect } from 'vitest';
import { BullJobs } from '../bull-jobs.js';
import type { BullServer } from '../bull-server.js';
import { freshQueue, lock_ms } from './harness.sample.js';

export interface Outage {
  readonly server: BullServer;
  kill(): Promise<void>;
  start(): Promise<void>;
}

const jobs = 12;
/** A worker without its server must wait, not spin. */
const cpu_ms_max_per_s = 250;

const makeRunner = (server: BullServer, queueName = freshQueue()): BullJobs =>
  new BullJobs({
    server,
    queueName,
    lock_ms,
    retry: { backoff: { first_ms: 50, max_ms: 200, factor: 2 }, attempts_max: 30 },
    surroundings: { clock: systemClock, logger: silentLogger, random: Math.random },
  });

/** The server dies in the middle of deliveries and comes back: all jobs are done, the wait was visible, nothing was restarted. */
export async function surviveOutage({ server, kill, start }: Outage): Promise<void> {
  const runner = makeRunner(server);
  const done = new Map<string, number>();
  await runner.start(async ({ id, retries }) => {
    await sleep(40);
    if (retries < 1) return { kind: 'retry', reason: 'not yet' };
    done.set(id, (done.get(id) ?? 0) + 1);
    return { kind: 'done' };
  });
  await waitFor(() => runner.status().state === 'ready', { what: 'the runner is ready' });
  for (let job = 0; job < jobs; job++) await runner.enqueue({ id: `job/${job}`, data: '' });
  await waitFor(() => done.size > 1, { what: 'the first jobs' });
  await kill();
  const { fault } = await waitFor(
    () => {
      const status = runner.status();
      return status.state === 'waiting' ? status : undefined;
    },
    { what: 'the wait shows', timeout_ms: 8_000 },
  );
  expect(fault?.code).toBe('MR-6003');
  const asked_ms = performance.now();
  await expect(runner.enqueue({ id: 'meanwhile', data: '' })).rejects.toMatchObject({ code: 'MR-6003' });
  await expect(runner.cancel('job/0')).rejects.toMatchObject({ code: 'MR-6003' });
  expect(performance.now() - asked_ms).toBeLessThan(5_000);
  const before = process.cpuUsage();
  const down_ms = 1_500;
  await sleep(down_ms);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / down_ms).toBeLessThan(cpu_ms_max_per_s);
  await start();
  await waitFor(() => runner.status().state === 'ready', { what: 'it goes on', timeout_ms: 15_000 });
  await runner.enqueue({ id: 'after', data: '' });
  await waitFor(() => done.size === jobs + 1, { what: 'all jobs', timeout_ms: 30_000 });
  expect(runner.status().fault).toBeUndefined();
  await runner.close(1_000);
}

/** Started while its server is down: it waits visibly, and works once the server is there. */
export async function startWithoutServer({ server, kill, start }: Outage): Promise<void> {
  await kill();
  const runner = makeRunner(server);
  const done: string[] = [];
  const began_ms = performance.now();
  await runner.start(async ({ id }) => {
    done.push(id);
    return { kind: 'done' };
  });
  await expect(runner.enqueue({ id: 'early', data: '' })).rejects.toMatchObject({ code: 'MR-6003' });
  expect(performance.now() - began_ms).toBeLessThan(8_000);
  expect(runner.status().fault?.detail).toContain(server.where);
  await start();
  await waitFor(() => runner.status().state === 'ready', { what: 'the runner is ready', timeout_ms: 15_000 });
  await runner.enqueue({ id: 'early', data: '' });
  await waitFor(() => done.length === 1, { what: 'the job' });
  await runner.close(1_000);
}

/** Closed while its server is down, it ends within a few seconds and leaves nothing running. */
export async function closeWithoutServer({ server, kill, start }: Outage): Promise<void> {
  const runner = makeRunner(server);
  await runner.start(async ({ signal }) => {
    await sleep(20_000, undefined, { signal }).catch(() => undefined);
    return { kind: 'retry', reason: 'aborted' };
  });
  await runner.enqueue({ id: 'held', data: '' });
  await kill();
  const began_ms = performance.now();
  await runner.close(200);
  // Of the five seconds in which a service stops, pages have had two.
  expect(performance.now() - began_ms).toBeLessThan(2_500);
  await start();
}
