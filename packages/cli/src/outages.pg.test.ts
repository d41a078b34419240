import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusReport } from '@millrace/lag-monitor';
import { connectTo, pgDatabase, startPostgres, tempFolder, waitFor } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { type Running, run, start } from './command-line.sample.js';

let names = 0;

function folderWith(leader: string, replica: string): string {
  const folder = tempFolder();
  const pipeline = `out${process.pid}x${names++}`;
  writeFileSync(
    join(folder, 'millrace.yaml'),
    `pipeline: ${pipeline}
leader: { url: "${leader}", publication: ${pipeline} }
followers: { replica: { postgres: { url: "${replica}" } } }
monitor: { listen: "127.0.0.1:0", sample: 200ms }
`,
  );
  return folder;
}

async function replicaOf(running: Running) {
  const port = await waitFor(() => /"port":(\d+)/.exec(running.err())?.[1], { what: 'the monitor listens' });
  const answer = await fetch(`http://127.0.0.1:${port}/status`);
  return answer.ok ? ((await answer.json()) as StatusReport).followers[0] : undefined;
}

const untilState = (running: Running, state: string, timeout_ms = 30_000) =>
  waitFor(
    async () => {
      const edge = await replicaOf(running);
      return edge?.state === state ? edge : undefined;
    },
    { what: `the replica is ${state}`, timeout_ms },
  );

it('shows a follower that hangs, and stops cleanly within five seconds while it and the leader hang', async () => {
  await using leader = await startPostgres({ version: 18 });
  await using replica = await startPostgres({ version: 18 });
  const client = await leader.connect();
  await client.query('CREATE TABLE items (id int PRIMARY KEY)');
  const folder = folderWith(leader.url, replica.url);
  const up = start(['up'], folder);
  await untilState(up, 'exact');
  replica.freeze(true);
  await client.query('INSERT INTO items VALUES (1)');
  const hanging = await untilState(up, 'waiting');
  expect(hanging.service?.doing).toMatch(/^the follower has not answered `\w+` for \d+ s$/);
  await waitFor(() => up.err().includes('waits: the follower has not answered'), { what: 'the log tells' });
  leader.freeze(true);
  const began = performance.now();
  up.signal('SIGTERM');
  const ended = await up.ended;
  const took_ms = performance.now() - began;
  leader.freeze(false);
  replica.freeze(false);
  expect(ended.code).toBe(143);
  expect(took_ms).toBeLessThan(5_000);
  await client.end();
  const report = JSON.parse((await run(['status', '--json'], folder)).out) as StatusReport;
  expect(report.followers[0]?.service).toMatchObject({ state: 'stopped', doing: 'ended', fault: null });
}, 120_000);

it('takes a refused follower up again without a restart once its password is right', async () => {
  await using leader = await pgDatabase(18);
  await using replica = await startPostgres({ version: 18 });
  const admin = await replica.connect();
  await admin.query(`CREATE ROLE app LOGIN PASSWORD 'first'; GRANT CREATE ON DATABASE postgres TO app`);
  const url = new URL(replica.url);
  url.username = 'app';
  url.password = 'first';
  const client = await connectTo(leader.url);
  await client.query('CREATE TABLE items (id int PRIMARY KEY)');
  await admin.query('GRANT CREATE ON SCHEMA public TO app');
  const folder = folderWith(leader.url, url.href);
  const up = start(['up'], folder);
  await untilState(up, 'exact');
  await admin.query(`ALTER ROLE app PASSWORD 'second'`);
  await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'`);
  await client.query('INSERT INTO items VALUES (1)');
  const stopped = await untilState(up, 'stopped');
  expect(stopped.service?.fault).toMatchObject({
    code: 'MR-4002',
    remedy: expect.stringContaining('Correct user and password'),
  });
  await admin.query(`ALTER ROLE app PASSWORD 'first'`);
  await untilState(up, 'exact', 40_000);
  await waitFor(async () => (await admin.query('SELECT FROM items')).rowCount === 1, { what: 'the row' });
  expect(up.err().match(/^replica has stopped:/gm)).toHaveLength(1);
  up.signal('SIGTERM');
  expect((await up.ended).code).toBe(143);
  expect(up.err()).not.toMatch(/first|second/);
  await admin.end();
  const pipeline = /out\w+/.exec((await run(['status', '--json'], folder)).out)?.[0];
  await client.query(`SELECT pg_drop_replication_slot('millrace_${pipeline}')`);
  await client.end();
}, 120_000);

it('looks without leaving anything behind, and names a log that may not be written', async () => {
  await using leader = await pgDatabase(18);
  const folder = folderWith(leader.url, leader.url);
  const looked = await run(['status', '--json'], folder);
  expect(looked.code).toBe(0);
  expect((JSON.parse(looked.out) as StatusReport).capture.service).toBeNull();
  expect(existsSync(join(folder, '.millrace'))).toBe(false);
  mkdirSync(join(folder, '.millrace', 'log', 'writers'), { recursive: true });
  const ended = await run(['monitor'], folder);
  expect(ended.code).toBe(69);
  expect(ended.err).toContain('MR-3008');
}, 60_000);
