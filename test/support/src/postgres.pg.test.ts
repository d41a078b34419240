import { describe, expect, it } from 'vitest';
import { pgDatabase, startPostgres } from './postgres.js';
import { TcpProxy } from './tcp-proxy.js';
import { connectTo } from './test-database.js';
import { postgresVersions } from './versions.js';
import { waitFor } from './wait-for.js';

describe.each(postgresVersions)('PostgreSQL %i', (version) => {
  it('gives each test a database of its own on one shared server', async () => {
    await using first = await pgDatabase(version);
    await using second = await pgDatabase(version);
    expect(first.name).not.toBe(second.name);
    expect(new URL(first.url).port).toBe(new URL(second.url).port);
    const client = await first.connect();
    const { rows } = await client.query('SHOW server_version');
    expect(rows[0].server_version).toMatch(new RegExp(`^${version}\\.`));
  });

  it('drops a database with sessions, prepared transactions and slots in it', async () => {
    const database = await pgDatabase(version);
    const client = await database.connect();
    await client.query('CREATE TABLE t (n int)');
    await client.query(`SELECT pg_create_logical_replication_slot('${database.name}', 'pgoutput')`);
    await client.query('BEGIN');
    await client.query('INSERT INTO t VALUES (1)');
    await client.query(`PREPARE TRANSACTION '${database.name}'`);
    await database.drop();
    await expect(database.connect()).rejects.toThrow(/does not exist/);
  });

  it.each([
    ['beyond-2^53', 2n ** 53n],
    ['beyond-2^63', 2n ** 63n],
  ] as const)('starts a leader %s, which decodes there and survives a crash', async (startLsn, bound) => {
    await using server = await startPostgres({ version, startLsn });
    const client = await server.connect();
    await client.query('CREATE TABLE t (n int)');
    await client
      .query("SELECT pg_create_logical_replication_slot('s', 'test_decoding')")
      .catch(() => undefined);
    await client.query("SELECT pg_create_logical_replication_slot('p', 'pgoutput')");
    await client.query('INSERT INTO t VALUES (1)');
    const { rows } = await client.query('SELECT pg_current_wal_lsn()::text AS lsn');
    const [high = '', low = ''] = String(rows[0].lsn).split('/');
    expect((BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)).toBeGreaterThan(bound);
    await client.end();
    await server.kill9();
    await server.start();
    const again = await server.connect();
    expect((await again.query('SELECT n FROM t')).rows).toEqual([{ n: 1 }]);
    await again.end();
  });
});

describe('the proxy', () => {
  it('carries, delays, holds and cuts a connection to a server', async () => {
    await using database = await pgDatabase(18);
    const { hostname, port } = new URL(database.url);
    await using proxy = await TcpProxy.start({ host: hostname, port: Number(port) });
    const client = await connectTo(proxy.urlThrough(database.url));
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);

    proxy.latency_ms = 50;
    const before = performance.now();
    await client.query('SELECT 1');
    expect(performance.now() - before).toBeGreaterThan(95);
    proxy.latency_ms = 0;

    proxy.hold('toClient');
    let answered = false;
    const answer = client.query('SELECT 2').then(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    proxy.release('toClient');
    await answer;

    const broken = expect(client.query('SELECT pg_sleep(10)')).rejects.toThrow();
    proxy.cut();
    await broken;
    await waitFor(() => proxy.connections === 0, { what: 'no connection left' });
  });
});
