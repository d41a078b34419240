import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCapture } from '@millrace/capture';
import { createPostgresSource } from '@millrace/capture-postgres';
import { createCodec, tableSchemaStore } from '@millrace/codec';
import { openEmbeddedLog } from '@millrace/log-embedded';
import { createLogger, silentLogger, systemClock } from '@millrace/runtime';
import { pgDatabase, waitFor } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { LogReplica } from '../../capture/src/memory/replica.js';

it.each([18, 15] as const)(
  'captures from PostgreSQL %i',
  async (version) => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query(
      'CREATE TABLE orders (id int PRIMARY KEY, name text, note text, at timestamptz default now())',
    );
    await client.query('CREATE TABLE lines (a int, b text)');
    await client.query('ALTER TABLE lines REPLICA IDENTITY FULL');
    await client.query(
      "INSERT INTO orders SELECT i, 'n'||i, repeat(md5(i::text), 3) FROM generate_series(1,50000) i",
    );
    await client.query("INSERT INTO lines SELECT i % 100, 'b' FROM generate_series(1,1000) i");
    const path = mkdtempSync(join(tmpdir(), 'zz-'));
    const log = await openEmbeddedLog({
      path,
      retention: { followers: 'hold' },
      clock: systemClock,
      logger: silentLogger,
    } as never);
    const codec = createCodec({
      format: 'avro',
      preset: 'lossless',
      schemas: tableSchemaStore(log.table('schemas')),
      connectorName: 'shop',
      database: 'x',
      version: 't',
    });
    let stop = new AbortController();
    const start = () => {
      stop = new AbortController();
      const capture = createCapture({
        source: createPostgresSource({
          url: database.url,
          slot: `s_${database.name}`,
          publication: { name: 'millrace', create: true },
        }),
        log,
        codec,
        pipeline: { topicPrefix: 'shop', partitions: 1 },
        surroundings: { clock: systemClock, logger: createLogger('warn'), random: Math.random },
        host: 'h',
        pid: 1,
        version: 't',
        limits: { chunk_rows: 5000 },
      });
      const done = capture.run(stop.signal).catch((e) => e);
      return { capture, done };
    };
    let t0 = performance.now();
    let run = start();
    await waitFor(
      () => {
        if (run.capture.status().state.name === 'stopped')
          throw (run.capture.status().state as never as { fault: Error }).fault;
        return run.capture.status().state.name === 'stream';
      },
      { what: 'stream', timeout_ms: 30000 },
    );
    console.log('snapshot ms', performance.now() - t0);
    const replica = new LogReplica(log, codec);
    const caughtUp = async () => {
      const { rows } = await client.query('SELECT pg_current_wal_lsn()::text l');
      const [h, l] = rows[0].l.split('/').map((x: string) => BigInt(`0x${x}`));
      await waitFor(
        async () => {
          await replica.catchUp();
          return replica.position.end >= ((h << 32n) | l) && replica.exact;
        },
        { what: 'caught up', timeout_ms: 60000 },
      );
      const truth = (await client.query('SELECT id::text, name, note FROM orders')).rows
        .map((r) => Object.values(r))
        .sort((a, b) => (String(a) < String(b) ? -1 : 1));
      const oid = Number((await client.query("SELECT 'orders'::regclass::oid o")).rows[0].o);
      expect(replica.rows(oid).map((r) => r.slice(0, 3))).toEqual(truth);
    };
    await caughtUp();
    await client.query("UPDATE orders SET name = 'x' WHERE id % 7 = 0");
    await client.query('UPDATE orders SET id = id + 1000000 WHERE id % 1000 = 3');
    await client.query('DELETE FROM orders WHERE id % 11 = 0');
    await client.query('DELETE FROM lines WHERE ctid IN (SELECT ctid FROM lines LIMIT 5)');
    await caughtUp();
    console.log(run.capture.status());
    stop.abort();
    await run.done;
    // performance: drain
    const rows = 1_000_000;
    await client.query(
      `INSERT INTO orders SELECT 10000000 + i, 'n'||i, 'narrow' FROM generate_series(1,${rows}) i`,
    );
    t0 = performance.now();
    const cpu = process.cpuUsage();
    run = start();
    await waitFor(() => run.capture.status().events >= rows, { what: 'drain', timeout_ms: 60000 });
    const s = (performance.now() - t0) / 1000;
    const used = process.cpuUsage(cpu);
    console.log(
      'T2 drain rows/s',
      Math.round(rows / s),
      'cpu s/M',
      (used.user + used.system) / 1e6,
      'rss',
      process.memoryUsage().rss / 1e6,
    );
    stop.abort();
    console.log(await run.done);
    await log.close();
    rmSync(path, { recursive: true });
  },
  120000,
);
