import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ServiceBoard, type ServiceNote, type StatusReport } from '@millrace/lag-monitor';
import { startRedis } from '@millrace/local-redis';
import { openEmbeddedLog } from '@millrace/log-embedded';
import { silentLogger, systemClock } from '@millrace/runtime';
import { connectTo, pgDatabase, tempFolder, waitFor } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { type Running, run, start } from './command-line.sample.js';

/** A pager that refuses until it is told otherwise. */
async function startPager() {
  const accepted: string[] = [];
  const pager = { accepted, refused: 0, refusing: true };
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (pager.refusing) pager.refused += 1;
      else accepted.push(String(request.headers['webhook-id']));
      response.writeHead(pager.refusing ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(pager, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function folderFor(leader: string, monitor: string): string {
  const folder = tempFolder();
  writeFileSync(
    join(folder, 'millrace.yaml'),
    `pipeline: pages${process.pid}
leader: { url: "${leader}" }
followers: { replica: { duckdb: { path: ./replica.duckdb } } }
monitor: { listen: "127.0.0.1:0", sample: 100ms, ${monitor} }
`,
  );
  return folder;
}

/** What the replica's applier would tell: a loud stop, which pages at once, or that it runs again. */
async function tell(folder: string, stopped: boolean): Promise<void> {
  const log = await openEmbeddedLog({
    path: join(folder, '.millrace', 'log'),
    readOnly: false,
    retention: { bytes: 1e9, age_ms: 1e9, followers: 'hold' },
    clock: systemClock,
    logger: silentLogger,
  });
  const note: ServiceNote = {
    service: 'replica',
    state: stopped ? 'stopped' : 'running',
    doing: stopped ? 'stopped' : 'applying',
    ...(stopped && { fault: { code: 'MR-4008', name: 'Test', detail: 'a test', remedy: 'none' } }),
    since_ms: Date.now(),
    beat_ms: Date.now(),
    pid: process.pid,
    host: 'test',
    figures: {},
  };
  await new ServiceBoard(log).write(note);
  await log.close();
}

async function pagesOf(running: Running): Promise<StatusReport['pages'] | undefined> {
  const port = /"port":(\d+)/.exec(running.err())?.[1];
  if (!port) return undefined;
  const answer = await fetch(`http://127.0.0.1:${port}/status`);
  return answer.ok ? ((await answer.json()) as StatusReport).pages : undefined;
}

it('delivers one page and one resolve although monitor and Redis are killed between breach and delivery', async () => {
  await using pager = await startPager();
  const redis = await startRedis();
  const folder = folderFor(
    'postgresql://nobody@127.0.0.1:1/none',
    `webhook: { url: "${pager.url}" }, jobs: { redis: { url: "${redis.url}" } }`,
  );
  try {
    await tell(folder, true);
    const first = start(['monitor'], folder);
    const pages = await waitFor(
      async () => {
        const told = await pagesOf(first);
        return told?.owed === 1 && told.jobs.state === 'ready' ? told : undefined;
      },
      { what: 'a page is owed', timeout_ms: 15_000 },
    );
    expect(pages.jobs).toEqual({ kind: 'redis', state: 'ready', fault: null });
    await waitFor(() => pager.refused > 0, { what: 'the direct attempt' });
    first.signal('SIGKILL');
    await first.ended;
    await redis.kill9();
    const second = start(['monitor'], folder);
    const waiting = await waitFor(
      async () => {
        const told = await pagesOf(second);
        return told?.jobs.state === 'waiting' ? told : undefined;
      },
      { what: 'the wait for Redis shows', timeout_ms: 15_000 },
    );
    expect(waiting.jobs.fault?.code).toBe('MR-6003');
    await redis.start();
    pager.refusing = false;
    await waitFor(async () => (await pagesOf(second))?.owed === 0, {
      what: 'the page is delivered',
      timeout_ms: 20_000,
    });
    await waitFor(async () => (await pagesOf(second))?.jobs.state === 'ready', {
      what: 'Redis is found again',
      timeout_ms: 10_000,
    });
    await tell(folder, false);
    await waitFor(() => pager.accepted.length >= 2, { what: 'the resolve', timeout_ms: 10_000 });
    second.signal('SIGTERM');
    const ended = await second.ended;
    expect(ended.code).toBe(143);
    expect(pager.accepted.map((id) => id.split('/').at(-1))).toEqual(['page', 'resolve']);
    expect(ended.err).not.toContain(new URL(redis.url).password);
  } finally {
    await redis.remove();
  }
}, 90_000);

it('keeps retries as jobs in a PostgreSQL database of their own, and stops in time', async () => {
  await using pager = await startPager();
  await using jobs = await pgDatabase(18);
  const folder = folderFor(
    'postgresql://nobody@127.0.0.1:1/none',
    `webhook: { url: "${pager.url}" }, jobs: { postgres: { url: "${jobs.url}" } }`,
  );
  await tell(folder, true);
  const monitor = start(['monitor'], folder);
  const client = await connectTo(jobs.url);
  const waiting = async (): Promise<number | undefined> => {
    const found = await client
      .query(`SELECT count(*)::int AS jobs FROM bullmq.job WHERE queue LIKE '%.pages'`)
      .catch(() => undefined);
    return found?.rows[0]?.jobs;
  };
  await waitFor(async () => (await waiting()) === 1, { what: 'a job in the database', timeout_ms: 15_000 });
  expect((await pagesOf(monitor))?.jobs).toEqual({ kind: 'postgres', state: 'ready', fault: null });
  await client.end();
  const began = performance.now();
  monitor.signal('SIGTERM');
  expect((await monitor.ended).code).toBe(143);
  expect(performance.now() - began).toBeLessThan(5_000);
}, 60_000);

it('ends at once when the jobs would live in the leader, whose WAL they would be', async () => {
  await using leader = await pgDatabase(18);
  const folder = folderFor(leader.url, `jobs: { postgres: { url: "${leader.url}" } }`);
  const ended = await run(['monitor'], folder);
  expect(ended.code).toBe(78);
  expect(ended.err).toContain('MR-6005');
}, 30_000);

it('check finds jobs in the leader under another address, and a Redis that is away', async () => {
  await using leader = await pgDatabase(18);
  const client = await connectTo(leader.url);
  await client.query('CREATE TABLE items (id int PRIMARY KEY)');
  await client.end();
  const findings = async (monitor: string): Promise<{ severity: string; code: string }[]> => {
    const checked = await run(['check', '--json'], folderFor(leader.url, monitor));
    const { findings } = JSON.parse(checked.out) as {
      findings: { where: string; severity: string; code: string }[];
    };
    return findings
      .filter(({ where }) => where === 'monitor.jobs')
      .map(({ severity, code }) => ({ severity, code }));
  };
  const alias = new URL(leader.url);
  alias.hostname = alias.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
  const [inLeader, away, inProcess] = await Promise.all([
    findings(`jobs: { postgres: { url: "${alias.href}" } }`),
    findings('jobs: { redis: { url: "redis://:secret-word@127.0.0.1:1" } }'),
    findings('jobs: { in_process: {} }'),
  ]);
  expect(inLeader).toEqual([{ severity: 'error', code: 'MR-6005' }]);
  expect(away).toEqual([{ severity: 'warning', code: 'MR-6003' }]);
  expect(inProcess).toEqual([]);
}, 60_000);
