import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCapture } from '@millrace/capture';
import { createPostgresSource } from '@millrace/capture-postgres';
import { createCodec, tableSchemaStore } from '@millrace/codec';
import { openEmbeddedLog } from '@millrace/log-embedded';
import { createLogger, silentLogger, systemClock } from '@millrace/runtime';
import { startPostgres } from '@millrace/test-support';

const server = await startPostgres({ version: 18 });
const client = await server.connect();
await client.query(
  'CREATE TABLE orders (id int PRIMARY KEY, name text, note text, at timestamptz default now())',
);
const path = mkdtempSync(join(tmpdir(), 'zz-'));
const log = await openEmbeddedLog({
  path,
  retention: { followers: 'hold' },
  clock: systemClock,
  logger: silentLogger,
});
const codec = createCodec({
  format: 'avro',
  preset: 'lossless',
  schemas: tableSchemaStore(log.table('schemas')),
  connectorName: 'shop',
  database: 'x',
  version: 't',
});
const start = () => {
  const stop = new AbortController();
  const capture = createCapture({
    source: createPostgresSource({
      url: server.url,
      slot: 's1',
      publication: { name: 'millrace', create: true },
    }),
    log,
    codec,
    pipeline: { topicPrefix: 'shop', partitions: 1 },
    surroundings: { clock: systemClock, logger: createLogger('warn'), random: Math.random },
    host: 'h',
    pid: 1,
    version: 't',
  });
  return { capture, stop, done: capture.run(stop.signal).catch((e) => e) };
};
const wait = async (f) => {
  while (!f()) await systemClock.sleep(10);
};
let run = start();
await wait(() => run.capture.status().state.name === 'stream');
run.stop.abort();
await run.done;
const rows = Number(process.argv[3] ?? 1_000_000);
const per = Number(process.argv[2] ?? rows);
for (let i = 0; i < rows; i += per)
  await client.query(
    `INSERT INTO orders SELECT i, 'n'||i, 'narrow' FROM generate_series(${i + 1},${i + per}) i`,
  );
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.start');
const t0 = performance.now(),
  cpu = process.cpuUsage();
run = start();
await wait(() => run.capture.status().events >= rows);
const s = (performance.now() - t0) / 1000,
  used = process.cpuUsage(cpu);
const { profile } = await session.post('Profiler.stop');
writeFileSync('/tmp/capprof/p.cpuprofile', JSON.stringify(profile));
console.log(
  'rows/s',
  Math.round(rows / s),
  'cpu s/M',
  (used.user + used.system) / 1e6,
  'user',
  used.user / 1e6,
  'records',
  run.capture.status().records,
);
run.stop.abort();
await run.done;
await log.close();
await client.end();
await server.stop('fast');
rmSync(path, { recursive: true });
const self = new Map();
const dt = profile.timeDeltas;
const byId = new Map(profile.nodes.map((n) => [n.id, n]));
profile.samples.forEach((id, i) => {
  const n = byId.get(id);
  const k = `${n.callFrame.functionName} ${n.callFrame.url.split('/').slice(-3).join('/')}:${n.callFrame.lineNumber}`;
  self.set(k, (self.get(k) ?? 0) + dt[i]);
});
for (const [k, v] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 28))
  console.log((v / 1000).toFixed(0).padStart(7), k);
process.exit(0);
