// How fast the stream is drained, decode only, against pg_recvlogical on the same server and publication.
//
//   pnpm exec tsc -b packages/capture-postgres && node packages/capture-postgres/bench/drain.mjs [rows] [pairs]
//
// Each pair drains the same WAL twice, in the order A B, B A, …; medians and their ranges are printed, and the ratio.
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { startPostgres } from '@millrace/test-support';
import { createPostgresSource } from '../dist/index.js';

const run = promisify(execFile);
const rows = Number(process.argv[2] ?? 1_000_000);
const pairs = Number(process.argv[3] ?? 5);
const perTransaction = Number(process.argv[4] ?? 1_000);

const server = await startPostgres({ version: 18, conf: { fsync: 'off', max_wal_size: '8GB' } });
const client = await server.connect();
const url = server.urlOf('postgres');
try {
  await client.query(`CREATE TABLE narrow (id bigint PRIMARY KEY, a int, b text, c timestamptz);
    CREATE PUBLICATION bench FOR TABLE narrow`);
  const names = Array.from({ length: pairs * 2 }, (_, i) => `bench_${i}`);
  for (const name of names)
    await client.query(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
  for (let at = 0; at < rows; at += perTransaction) {
    await client.query(
      `INSERT INTO narrow SELECT g, g % 1000, 'row number ' || g, now() FROM generate_series(${at + 1}, ${Math.min(rows, at + perTransaction)}) g`,
    );
  }
  const {
    rows: [{ end }],
  } = await client.query('SELECT pg_current_wal_flush_lsn()::text AS end');
  const ours = [];
  const theirs = [];
  for (let i = 0; i < pairs; i++) {
    const a = () => drainOurs(names[i * 2], rows).then((figure) => ours.push(figure));
    const b = () => drainTheirs(names[i * 2 + 1], end).then((figure) => theirs.push(figure));
    for (const drain of i % 2 === 0 ? [a, b] : [b, a]) await drain();
  }
  report(ours, theirs);
} finally {
  await client.end();
  await server.remove();
}

async function drainOurs(slot, wanted) {
  const source = createPostgresSource({
    url,
    slot,
    publication: { name: 'bench', create: false },
    ddlEvents: 'off',
  });
  const session = await source.acquire({ signal: new AbortController().signal, onWait: console.error });
  const stop = new AbortController();
  let seen = 0;
  let asked = 0;
  const started = performance.now();
  const cpu = process.cpuUsage();
  await session.stream(
    {
      begin() {},
      change() {
        seen++;
      },
      commit() {
        if (seen >= wanted) stop.abort();
      },
      watermark() {},
      keepalive() {},
      relation() {},
      room() {
        asked++;
      },
    },
    stop.signal,
  );
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  await session.close();
  return { seconds, cpu: (used.user + used.system) / 1e6 / (wanted / 1e6), reads: asked };
}

async function drainTheirs(slot, until) {
  const started = performance.now();
  await run('pg_recvlogical', [
    '-d',
    url,
    '-S',
    slot,
    '--start',
    '-f',
    '/dev/null',
    '-E',
    until,
    '-o',
    'proto_version=1',
    '-o',
    'publication_names=bench',
    '-o',
    'messages=true',
    '--no-loop',
  ]);
  return { seconds: (performance.now() - started) / 1000 };
}

function report(a, b) {
  const median = (list) => list.toSorted((x, y) => x - y)[Math.floor(list.length / 2)];
  const range = (list) => `${Math.min(...list).toFixed(2)}–${Math.max(...list).toFixed(2)}`;
  const times = (list) => list.map(({ seconds }) => seconds);
  const rate = (list) => Math.round(rows / median(times(list)));
  const cpu = a.map((one) => one.cpu);
  console.log(
    `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}; ${rows} rows, ${perTransaction} per transaction, ${pairs} pairs`,
  );
  console.log(
    `millrace        ${median(times(a)).toFixed(2)} s (${range(times(a))})  ${rate(a)} rows/s  ${median(cpu).toFixed(2)} CPU-s per million (${range(cpu)})  ${median(a.map((x) => x.reads))} reads`,
  );
  console.log(`pg_recvlogical  ${median(times(b)).toFixed(2)} s (${range(times(b))})  ${rate(b)} rows/s`);
  const ratios = a.map((one, i) => b[i].seconds / one.seconds);
  console.log(`ratio           ${median(ratios).toFixed(3)} (${range(ratios)})`);
}
