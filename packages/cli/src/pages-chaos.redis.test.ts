import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InProcessJobs } from '@millrace/jobs';
import { BullJobs, redisServer } from '@millrace/jobs-bullmq';
import { Delivery, type Notifier, type PageFields, tableOutbox } from '@millrace/lag-monitor';
import { startRedis } from '@millrace/local-redis';
import { MemoryLogServer } from '@millrace/log';
import { silentLogger, systemClock } from '@millrace/runtime';
import { waitFor } from '@millrace/test-support';
import { expect, it } from 'vitest';

/** Deterministic: a failure can be run again. Numerical Recipes' generator. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = seeded(20_260_105);
const surroundings = { clock: systemClock, logger: silentLogger, random };
const retry = { backoff: { first_ms: 60, max_ms: 200, factor: 2 }, attempts_max: 1_000 };
const alerts = 24;

/** Fails three times out of four; adds to `sent` what arrives. */
const flakyPager = (sent: string[]): Notifier => ({
  channel: 'webhook',
  disabled: false,
  async attempt({ id }) {
    await systemClock.sleep(5 + 20 * random());
    if (random() < 0.75) return { result: 'retry', reason: 'flaky' };
    sent.push(id);
    return { result: 'sent', reason: '' };
  },
});

/** Each call a new monitor's, over the same outbox and the same Redis. */
function deliveries(url: string, notifier: Notifier): () => Delivery {
  const outbox = tableOutbox(new MemoryLogServer({ clock: systemClock }).open().table('outbox'));
  const queueName = `chaos-${process.pid}`;
  return () =>
    new Delivery({
      notifiers: [notifier],
      outbox,
      jobs: new BullJobs({ server: redisServer(url), queueName, lock_ms: 1_000, retry, surroundings }),
      lastResort: new InProcessJobs({ retry, surroundings }),
      retry,
      surroundings,
      onResult: () => undefined,
      onFault: () => undefined,
      turn_ms: 300,
    });
}

const told = (alert: number, type: 'page' | 'resolve') => ({
  id: `alert-${alert}/${type}`,
  fields: {
    type,
    dedup_key: `alert-${alert}`,
    sampled_at: new Date(1.7e12 + alert * 10 + Number(type === 'resolve')).toISOString(),
  } as PageFields,
});

/** Redis dies, hangs, forgets all it was told. */
const troubles = (redis: Awaited<ReturnType<typeof startRedis>>): (() => Promise<void>)[] => [
  async () => {
    await redis.kill9();
    await systemClock.sleep(700);
    await redis.start();
  },
  async () => {
    redis.pause();
    await systemClock.sleep(3_000);
    redis.resume();
  },
  async () => {
    await redis.kill9();
    await rm(join(redis.folder, 'appendonlydir'), { recursive: true, force: true });
    await redis.start();
  },
];

it('delivers every page once and before its resolve while the pager is flaky and Redis dies, hangs and forgets', async () => {
  const redis = await startRedis();
  const sent: string[] = [];
  const makeDelivery = deliveries(redis.url, flakyPager(sent));
  let delivery = makeDelivery();
  const successor = async (): Promise<void> => {
    await delivery.close(0);
    delivery = makeDelivery();
    await delivery.start();
  };
  const trouble = [...troubles(redis), successor];
  try {
    await delivery.start();
    for (let alert = 0; alert < alerts; alert++) {
      await delivery.tell(told(alert, 'page'));
      await systemClock.sleep(30);
      await delivery.tell(told(alert, 'resolve'));
      if (alert % 6 === 5) await trouble[(alert - 5) / 6]?.();
    }
    await waitFor(() => delivery.status().owed === 0, { what: 'nothing is owed', timeout_ms: 30_000 });
    const isReady = (): boolean => delivery.status().jobs.state === 'ready';
    await waitFor(isReady, { what: 'Redis is back', timeout_ms: 15_000 });
    // What is left in Redis runs now, and must send nothing.
    await systemClock.sleep(1_500);
    const all = Array.from({ length: alerts }, (_, alert) => [
      `alert-${alert}/page`,
      `alert-${alert}/resolve`,
    ]);
    expect([...sent].sort()).toEqual(all.flat().sort());
    for (let alert = 0; alert < alerts; alert++)
      expect(sent.indexOf(`alert-${alert}/page`)).toBeLessThan(sent.indexOf(`alert-${alert}/resolve`));
  } finally {
    await delivery.close(0);
    await redis.remove();
  }
}, 90_000);
