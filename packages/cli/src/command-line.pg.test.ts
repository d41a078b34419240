import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusReport } from '@millrace/lag-monitor';
import { PgSession } from '@millrace/postgres';
import { pgDatabase, startPostgres, tempFolder, waitFor } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { type Running, run, start } from './command-line.sample.js';

let names = 0;

/** A slot is the cluster's: every test has its own. */
function folderWith(leader: string, replica: string): string {
  const folder = tempFolder();
  const pipeline = `cli${process.pid}x${names++}`;
  writeFileSync(
    join(folder, 'millrace.yaml'),
    `pipeline: ${pipeline}
leader: { url: "${leader}", publication: ${pipeline} }
followers:
  replica: { postgres: { url: "${replica}" } }
  lake: { duckdb: { path: ./lake.duckdb } }
monitor: { listen: "127.0.0.1:0", sample: 200ms }
`,
  );
  return folder;
}

async function query(url: string, ...statements: readonly string[]): Promise<string | null | undefined> {
  const session = await PgSession.open(url, { role: 'leader' });
  try {
    let last: string | null | undefined;
    for (const statement of statements)
      last = Object.values((await session.query('testing', statement))[0] ?? {})[0];
    return last;
  } finally {
    await session.close();
  }
}

/** The monitor listens on a free port and logs it. */
async function get(running: Running, path: string): Promise<Response> {
  const port = await waitFor(() => /"port":(\d+)/.exec(running.err())?.[1], { what: 'the monitor listens' });
  return fetch(`http://127.0.0.1:${port}${path}`);
}

async function statusOf(running: Running) {
  const answer = await get(running, '/status');
  return answer.ok ? ((await answer.json()) as StatusReport) : undefined;
}

it('replicates everything in one process, shows it in status, and stops cleanly within five seconds of SIGTERM', async () => {
  await using leader = await pgDatabase(18);
  await using replica = await pgDatabase(18);
  const folder = folderWith(leader.url, replica.url);
  await query(
    leader.url,
    'CREATE TABLE public.items (id int PRIMARY KEY, name text)',
    `INSERT INTO public.items SELECT i, 'item ' || i FROM generate_series(1, 500) i`,
  );
  const up = start(['up'], folder);
  const count = () => query(replica.url, 'SELECT count(*) FROM public.items').catch(() => undefined);
  await waitFor(async () => (await count()) === '500', { what: 'the snapshot', timeout_ms: 30_000 });
  await query(leader.url, 'DELETE FROM public.items WHERE id > 400');
  await waitFor(async () => (await count()) === '400', { what: 'the stream', timeout_ms: 10_000 });
  const status = await waitFor(
    async () => {
      const found = await statusOf(up);
      const runs = found?.capture.service?.state === 'running';
      return runs && found.followers.every((edge) => edge.state === 'exact') ? found : undefined;
    },
    { what: 'capture runs and both followers are exact', timeout_ms: 20_000 },
  );
  expect(status.leader.position).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  // What services count comes with their notes, every two seconds.
  const series = [
    /^millrace_changes_total\{pipeline="\w+",op="snapshot"\} 500$/m,
    /^millrace_changes_total\{pipeline="\w+",op="delete"\} 100$/m,
    /^millrace_edge_bytes_total\{[^}]*edge="capture"\} [1-9]\d+$/m,
    /^millrace_edge_bytes_total\{[^}]*edge="lake"\} [1-9]\d+$/m,
    /^millrace_queue_bytes\{[^}]*edge="capture"\} \d+$/m,
    /^millrace_queue_limit_bytes\{[^}]*edge="capture"\} 37748736$/m,
    /^millrace_apply_duration_seconds_count\{[^}]*follower="replica"\} [1-9]/m,
    /^millrace_end_to_end_latency_seconds_count\{[^}]*follower="replica"\} [1-9]/m,
  ];
  await waitFor(
    async () => {
      const metrics = await (await get(up, '/metrics')).text();
      return series.every((each) => each.test(metrics));
    },
    { what: 'all that services count is served', timeout_ms: 10_000 },
  );
  const began = performance.now();
  up.signal('SIGTERM');
  const ended = await up.ended;
  expect(ended.code).toBe(143);
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(ended.out).toBe('');
  const afterwards = await run(['status', '--json'], folder);
  expect(afterwards.code).toBe(0);
  const report = JSON.parse(afterwards.out) as StatusReport;
  expect(report.followers.map(({ edge }) => edge)).toEqual(['replica', 'lake']);
  expect(report.followers[0]?.service?.doing).toBe('ended');
  await query(leader.url, `SELECT pg_drop_replication_slot('millrace_${report.pipeline}')`);
}, 90_000);

it('checks a leader: findings with their fix and exit 1, and none once they are mended', async () => {
  await using server = await startPostgres({ version: 15, conf: { wal_level: 'replica' } });
  const url = await server.createDatabase();
  const replica = await server.createDatabase();
  const folder = folderWith(url, replica);
  await query(url, 'CREATE TABLE public.items (id int PRIMARY KEY)');
  const bad = await run(['check', '--json'], folder);
  expect(bad.code).toBe(1);
  const { findings } = JSON.parse(bad.out);
  expect(findings).toContainEqual(expect.objectContaining({ severity: 'error', code: 'wal-level' }));
  await server.restart({ wal_level: 'logical', max_slot_wal_keep_size: '1GB' });
  const good = await run(['check', '--no-color'], folder);
  expect(good.code).toBe(0);
});

it('tells a follower without privileges from one that is away', async () => {
  await using leader = await pgDatabase(18);
  await query(leader.url, 'CREATE TABLE public.items (id int PRIMARY KEY)');
  const wrong = leader.url.replace(/:[^:@/]+@/, ':wrong-password@');
  const ended = await run(['check', '--json'], folderWith(leader.url, wrong));
  expect(ended.code).toBe(1);
  const { findings } = JSON.parse(ended.out);
  expect(findings).toContainEqual(expect.objectContaining({ where: 'replica', code: 'MR-4002' }));
  const refused = await run(['capture'], folderWith(wrong, leader.url));
  expect(refused.code).toBe(77);
  expect(refused.err).toContain('MR-2002');
  expect(refused.err).not.toContain('wrong-password');
});

it('refuses a table pattern that names nothing, before anything is made', async () => {
  await using leader = await pgDatabase(18);
  const ended = await run(['capture'], folderWith(leader.url, leader.url));
  expect(ended.code).toBe(78);
  expect(ended.err).toContain('no table of the leader matches "public.*"');
});
