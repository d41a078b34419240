import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import {
  anchorOf,
  type ChainState,
  encodeRecord,
  FollowerReports,
  judge,
  type MemoryLog,
  MemoryLogServer,
  type ProgressRecord,
  startOfChain,
} from '@millrace/log';
import { lsn } from '@millrace/model';
import { type Clock, Fault, isFault, silentLogger, systemClock } from '@millrace/runtime';
import { waitFor } from '@millrace/test-support';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tableAlertStore } from './alerts/alert-book.js';
import { ServiceBoard } from './board/service-board.js';
import { tableOutbox } from './delivery/outbox.js';
import { Webhook } from './delivery/webhook.js';
import { createMonitor, type Monitor, type MonitorOptions } from './monitor.js';
import type { LeaderReading } from './samples/leader-probe.js';
import { runningNote } from './verdict/verdict.sample.js';

/** Beyond 2^63, where 64-bit positions go wrong first. */
const origin = 0xffff_fff0_0100_0000n;
const nonce = new Uint8Array(16).fill(7);

let log: MemoryLog;
let chain: ChainState;
let leader: LeaderReading | Fault;
let pager: Server;
let received: string[];
let refusing: boolean;
let stop: AbortController;
let running: Promise<void> | undefined;

beforeEach(async () => {
  log = new MemoryLogServer({ clock: systemClock }).open();
  chain = startOfChain(log.id);
  leader = { position: lsn(origin + 100n) };
  received = [];
  refusing = false;
  stop = new AbortController();
  pager = createServer((request, response) => {
    request.resume().on('end', () => {
      if (!refusing) received.push(String(request.headers['webhook-id']));
      response.writeHead(refusing ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => pager.listen(0, '127.0.0.1', resolve));
  await publishTo(origin + 100n);
  await reportAt(origin + 40n);
});

afterEach(async () => {
  stop.abort();
  await running?.catch(() => undefined);
  pager.closeAllConnections();
  await new Promise((resolve) => pager.close(resolve));
  await log.close();
});

async function append(record: ProgressRecord): Promise<void> {
  const bytes = encodeRecord(record);
  const fence = { epoch: record.epoch, nonce };
  const offset =
    record.kind === 'claim'
      ? await log.progress.appendClaim(bytes, fence)
      : (await log.appender(fence).publish([], () => bytes)).offset;
  const verdict = judge(chain, offset, record);
  if (verdict.verdict !== 'counts') throw new Error('the record does not count');
  chain = verdict.state;
}

/** Writes a chain up to `end`: claim and open the first time, then a record of one commit. */
async function publishTo(end: bigint): Promise<void> {
  const head = { logId: log.id, epoch: 1, nonce };
  if (chain.offset < 0n) {
    await append({ ...head, seq: 0n, kind: 'claim', host: 'test', pid: 1, version: '0' });
    const at = { history: 0, end: lsn(origin) };
    const identity = { systemId: 1n, timeline: 1, ancestry: [] };
    await append({
      ...head,
      seq: 1n,
      kind: 'open',
      at,
      ...identity,
      layout: [],
      snapshots: [],
      relations: [],
    });
  }
  const commit_us = BigInt(Date.now() - 2_000) * 1_000n;
  await append({
    ...head,
    seq: chain.seq + 1n,
    kind: 'progress',
    from: chain.to,
    to: { history: 0, end: lsn(end) },
    eventsEpoch: 1,
    firstCommit_us: commit_us,
    lastCommit_us: commit_us,
    transactions: 1,
    events: 0n,
    ranges: [],
    barrier: false,
    snapshotDone: false,
  });
}

const reportAt = (end: bigint): Promise<void> =>
  new FollowerReports(log).report({
    follower: 'replica',
    logId: log.id,
    storeId: nonce,
    owner: nonce,
    state: 'exact',
    position: { history: 0, end: lsn(end) },
    anchor: anchorOf(chain),
    reportedAt_ms: Date.now(),
    tablesBuilding: [],
  });

function start(options: Partial<MonitorOptions> = {}): Monitor {
  const monitor = createMonitor({
    pipeline: 'shop',
    environment: 'test',
    version: '1.2.3',
    followers: ['replica', 'never-seen'],
    leader: {
      read: async () => {
        if (leader instanceof Fault) throw leader;
        return leader;
      },
      close: async () => undefined,
    },
    log,
    budgets: [{ follower: '*', warn_bytes: 500, page_bytes: 1_000, for_ms: 50 }],
    sample_ms: 20,
    listen: { host: '127.0.0.1', port: 0 },
    notifiers: [
      new Webhook({
        url: `http://127.0.0.1:${(pager.address() as AddressInfo).port}`,
        secrets: [],
        clock: systemClock,
      }),
    ],
    retry: { backoff: { first_ms: 20, max_ms: 20, factor: 1 }, attempts_max: 10_000 },
    alerts: tableAlertStore(log.table('alerts')),
    outbox: tableOutbox(log.table('outbox')),
    links: {},
    surroundings: { clock: systemClock, logger: silentLogger, random: () => 0 },
    ...options,
  });
  running = monitor.run(stop.signal);
  running.catch(() => undefined);
  return monitor;
}

async function get(monitor: Monitor, path: string): Promise<{ status: number; body: string }> {
  const port = await waitFor(() => monitor.port(), { what: 'the monitor listens' });
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, body: await answer.text() };
}

const measured = (monitor: Monitor) => waitFor(() => monitor.status(), { what: 'a first sample' });

it('shows positions as text and lag as exact bytes, also beyond 2^63', async () => {
  const monitor = start();
  await measured(monitor);
  const { status, body } = await get(monitor, '/status');
  expect(status).toBe(200);
  const report = JSON.parse(body);
  expect(report).toMatchObject({
    schema: 'millrace.status/1',
    leader: { position: 'FFFFFFF0/1000064', slot: null, fault: null },
    log: { position: '0:FFFFFFF0/1000064', epoch: 1 },
    capture: { edge: 'capture', lag_bytes: 0 },
  });
  expect(report.followers[0]).toMatchObject({
    edge: 'replica',
    position: '0:FFFFFFF0/1000028',
    lag_bytes: 60,
  });
  expect(report.followers[0].staleness_s).toBeGreaterThan(1.5);
  expect(report.followers[1]).toMatchObject({ edge: 'never-seen', state: 'unregistered', lag_bytes: null });
});

it('gives Prometheus the documented series, and none for what is unknown', async () => {
  const figures = { bytes: 700 };
  await new ServiceBoard(log).write(runningNote('replica', 0, { beat_ms: Date.now(), figures }));
  const monitor = start();
  await measured(monitor);
  const { body } = await get(monitor, '/metrics');
  expect(body).toContain('millrace_lag_bytes{pipeline="shop",follower="replica",stage="apply"} 60\n');
  expect(body).toContain('millrace_lag_bytes{pipeline="shop",follower="",stage="log"} 0\n');
  expect(body).toContain(
    'millrace_lag_budget_bytes{pipeline="shop",follower="replica",stage="apply",severity="page"} 1000\n',
  );
  expect(body).toContain(
    'millrace_state{pipeline="shop",follower="replica",stage="apply",state="exact"} 1\n',
  );
  expect(body).toContain('millrace_build_info{version="1.2.3"} 1\n');
  expect(body).toContain('millrace_edge_bytes_total{pipeline="shop",edge="replica"} 700\n');
  expect(body).toMatch(/millrace_last_sample_timestamp_seconds\{pipeline="shop"\} \d+/);
  // The leader has no slot, nobody is late, and one follower never reported: no series, rather than zeros.
  expect(body).not.toMatch(/^millrace_(deadline_seconds|slot_retained_bytes|slot_wal_status)\{/m);
  expect(body).not.toMatch(/^millrace_lag_bytes\{[^}]*never-seen/m);
});

it('drops a series when its value becomes unknown, instead of repeating the last one', async () => {
  const monitor = start();
  await measured(monitor);
  leader = new Fault('MR-2001', { detail: 'gone' });
  await waitFor(() => monitor.status()?.leader.fault !== null, { what: 'a sample without the leader' });
  const { body } = await get(monitor, '/metrics');
  expect(body).not.toMatch(/^millrace_lag_bytes\{/m);
  expect(body).toMatch(/^millrace_errors_total\{pipeline="shop",code="MR-2001"\} \d/m);
  expect((await get(monitor, '/healthz')).status).toBe(200);
});

it('sends one page and one resolve, whatever the lag does in between', async () => {
  const monitor = start();
  leader = { position: lsn(origin + 5_000n) };
  await publishTo(origin + 5_000n);
  await waitFor(() => received.length === 1, { what: 'a page' });
  expect((await measured(monitor)).alerts.map(({ key }) => key)).toContain('replica/lag/page');
  await reportAt(origin + 4_100n); // within the page's level, above where it clears
  await new Promise((resolve) => setTimeout(resolve, 200));
  await reportAt(origin + 100n);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(received.length).toBe(1);
  await reportAt(origin + 5_000n);
  await waitFor(() => received.length === 2, { what: 'a resolve', timeout_ms: 8_000 });
  const [page, resolve] = received as [string, string];
  expect(page.replace(/page$/, '')).toBe(resolve.replace(/resolve$/, ''));
});

it('delivers after a restart the page that its receiver refused before, and pages no second time', async () => {
  refusing = true;
  leader = { position: lsn(origin + 5_000n) };
  await publishTo(origin + 5_000n);
  const first = start();
  await waitFor(() => first.status()?.alerts.some(({ key }) => key === 'replica/lag/page'), {
    what: 'the alert',
  });
  stop.abort();
  await running;
  expect(received).toEqual([]);
  refusing = false;
  stop = new AbortController();
  start();
  await waitFor(() => received.length > 0, { what: 'the page that was owed' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(received).toEqual([expect.stringMatching(/replica.lag.\d+.page$/)]);
  await waitFor(async () => (await log.table('outbox').entries()).length === 0, { what: 'an empty outbox' });
});

it('names the address that it cannot listen on', async () => {
  const port = (pager.address() as AddressInfo).port;
  start({ listen: { host: '127.0.0.1', port } });
  await expect(running).rejects.toSatisfy(
    (error) => isFault(error, 'MR-6002') && error.detail.includes(`127.0.0.1:${port}: EADDRINUSE`),
  );
});

it('answers hostile requests with an error and goes on', async () => {
  const monitor = start();
  await measured(monitor);
  const port = monitor.port() as number;
  for (const request of [
    'GARBAGE\r\n\r\n',
    'GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n',
    '\0\0\0\0',
  ]) {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(request));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
        socket.end();
      });
      socket.on('close', () => resolve(text));
      socket.on('error', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 40[04]/);
  }
  expect((await fetch(`http://127.0.0.1:${port}/status`, { method: 'POST' })).status).toBe(405);
  for (const path of ['/__proto__', '/constructor', '/']) expect((await get(monitor, path)).status).toBe(404);
  expect((await get(monitor, '/healthz')).status).toBe(200);
});

it('stops within its bound even while a page is being retried', async () => {
  refusing = true;
  leader = { position: lsn(origin + 5_000n) };
  await publishTo(origin + 5_000n);
  const monitor = start();
  await waitFor(() => monitor.status()?.alerts.length, { what: 'an alert' });
  const began = performance.now();
  stop.abort();
  await running;
  expect(performance.now() - began).toBeLessThan(3_500);
});

it('pages another reason to stop under an id of its own, not a start, and resolves once', async () => {
  const board = new ServiceBoard(log);
  const stopOn = (code: string) => {
    const fault = { code, name: 'Fault', detail: 'it stands', remedy: 'Mend it.' };
    return board.write(runningNote('replica', 0, { state: 'stopped', fault, beat_ms: Date.now() }));
  };
  start();
  await stopOn('MR-4004');
  await waitFor(() => received.length === 1, { what: 'a page' });
  await board.write(runningNote('replica', 0, { state: 'starting', beat_ms: Date.now() }));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await stopOn('MR-3004');
  await waitFor(() => received.length === 2, { what: 'a second page' });
  await board.write(runningNote('replica', 0, { beat_ms: Date.now() }));
  await waitFor(() => received.length === 3, { what: 'the resolve' });
  const [first, second, resolve] = received as [string, string, string];
  expect([first, second]).toEqual([first, second].filter((id) => /replica.stopped.\d+.page$/.test(id)));
  expect(second).not.toBe(first);
  expect(resolve).toBe(second.replace(/page$/, 'resolve'));
  await waitFor(async () => (await log.table('alerts').entries()).length === 0, { what: 'no alert is kept' });
});

/** A hundred times as fast as the real one, but for what people read. */
const hasty: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 100,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
};
const inHaste = { sample_ms: 1_000, surroundings: { clock: hasty, logger: silentLogger, random: () => 0 } };

/** What never answers, and how often it was asked. */
function hanging<T>(): { call: () => Promise<T>; asked: () => number } {
  let asked = 0;
  const call = (): Promise<T> => {
    asked += 1;
    return new Promise(() => undefined);
  };
  return { call, asked: () => asked };
}

const paged = (what: string) =>
  waitFor(() => received.some((id) => id.includes(`/${what}/`) && id.endsWith('/page')), {
    what: `a page about ${what}`,
  });

it('pages for a leader that never answers, and for the stop of a follower meanwhile', async () => {
  const { call, asked } = hanging<LeaderReading>();
  const monitor = start({ ...inHaste, leader: { read: call, close: async () => undefined } });
  const { fault: silence } = (await measured(monitor)).leader;
  expect(silence).toMatchObject({ code: 'MR-2001', detail: expect.stringContaining('has not answered for') });
  const fault = { code: 'MR-4004', name: 'FollowerWentBack', detail: 'it went back', remedy: 'Resync.' };
  await new ServiceBoard(log).write(runningNote('replica', 0, { state: 'stopped', fault }));
  await paged('replica/stopped');
  await paged('monitor/leader');
  expect(asked()).toBe(1);
});

it('pages for a log that never answers, and goes on although it cannot keep that either', async () => {
  const alerts = { load: async () => new Map(), save: hanging<void>().call };
  const storage = hanging<undefined>();
  const monitor = start({ ...inHaste, alerts, storage: storage.call });
  await paged('monitor/log');
  expect(monitor.status()?.log.fault).toMatchObject({ code: 'MR-3008' });
  leader = new Fault('MR-2001', { detail: 'gone' });
  await paged('monitor/leader');
  expect(storage.asked()).toBe(1);
});

it('stops within its bound even while the leader hangs', async () => {
  const { call, asked } = hanging<LeaderReading>();
  start({ leader: { read: call, close: async () => undefined } });
  await waitFor(() => asked() > 0, { what: 'the leader is asked' });
  const began = performance.now();
  stop.abort();
  await running;
  expect(performance.now() - began).toBeLessThan(3_500);
});
