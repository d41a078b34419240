import { describeJobRunnerConformance } from '@millrace/jobs/conformance';
import { accessRedis, type RedisAccess, type RedisServer, startRedis } from '@millrace/local-redis';
import { Fault } from '@millrace/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeRedis, redisFindings } from './redis-findings.js';
import { redisServer } from './redis-server.js';
import { bullHarness } from './testing/harness.sample.js';
import {
  closeWithoutServer,
  type Outage,
  startWithoutServer,
  surviveOutage,
} from './testing/outages.sample.js';

let shared: RedisAccess;
beforeAll(async () => {
  shared = await accessRedis();
});
afterAll(() => shared[Symbol.asyncDispose]());

describeJobRunnerConformance('BullMQ on Redis', async () => bullHarness(redisServer(shared.url), shared.url));

describe('BullMQ on a Redis that fails', () => {
  let redis: RedisServer;
  let outage: Outage;
  let hanging: Outage;
  beforeAll(async () => {
    redis = await startRedis();
    outage = { server: redisServer(redis.url), kill: () => redis.kill9(), start: () => redis.start() };
    hanging = { ...outage, kill: async () => redis.pause(), start: async () => redis.resume() };
  });
  afterAll(() => redis.remove());

  it(
    'promise 10: waits visibly while it is down, does not spin, and loses no job',
    () => surviveOutage(outage),
    60_000,
  );
  it('the same while it hangs: connections stay open, nothing answers', () => surviveOutage(hanging), 60_000);
  it('starts without it, and works once it is there', () => startWithoutServer(outage), 60_000);
  it('closes in time while it is down', () => closeWithoutServer(outage), 60_000);
  it('closes in time while it hangs', () => closeWithoutServer(hanging), 60_000);
});

it('tells a refused password apart from a server that is away, and repeats neither password nor user', async () => {
  const faultFor = async (change: (url: URL) => void): Promise<Fault> => {
    const url = new URL(shared.url);
    change(url);
    const fault = await redisServer(url.href)
      .prepare()
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    if (fault instanceof Fault) return fault;
    throw new Error(`no fault: ${String(fault)}`);
  };
  const refused = await faultFor((url) => {
    url.password = 'hunter2hunter2';
  });
  expect(refused.code).toBe('MR-6004');
  expect(refused.message).not.toContain('hunter2');
  const away = await faultFor((url) => {
    url.port = '1';
  });
  expect([away.code, away.detail]).toEqual(['MR-6003', expect.stringContaining('ECONNREFUSED')]);
});

it('finds what would make Redis forget jobs', async () => {
  if (!process.env.MILLRACE_REDIS_URL) expect(await redisFindings(shared.url)).toEqual([]);
  const info = 'role:slave\r\naof_enabled:0\r\nmaxmemory_policy:allkeys-lru\r\n';
  expect(judgeRedis(info, 'redis://h').map(({ code }) => code)).toEqual(['MR-6009', 'MR-6009', 'MR-6008']);
});
