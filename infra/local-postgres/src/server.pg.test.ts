import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PgServer } from './server.js';

describe('a local server', () => {
  let server: PgServer;
  beforeAll(async () => {
    server = await PgServer.create({ version: 18, conf: { application_name: "it's" } });
  });
  afterAll(() => server.remove());

  async function ask(sql: string, url = server.url): Promise<string> {
    const database = decodeURIComponent(new URL(url).pathname.slice(1));
    const client = await server.connect(database);
    try {
      const { rows } = await client.query({ text: sql, rowMode: 'array' });
      return String(rows[0]?.[0]);
    } finally {
      await client.end();
    }
  }

  it('is the version asked for, durable, and ready for logical decoding', async () => {
    expect(await ask('SHOW server_version')).toMatch(/^18\./);
    expect(await ask('SHOW wal_level')).toBe('logical');
    expect(await ask('SHOW fsync')).toBe('on');
    expect(await ask('SHOW server_encoding')).toBe('UTF8');
    expect(await ask('SHOW data_checksums')).toBe('on');
  });

  it('keeps committed rows through SIGKILL and comes back on its port', async () => {
    const url = await server.createDatabase();
    await ask('CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n', url);
    const port = server.port;
    await server.kill9();
    expect(server.running).toBe(false);
    await expect(server.connect()).rejects.toThrow(/ECONNREFUSED/);
    await server.start();
    expect(server.port).toBe(port);
    expect(await ask('SELECT count(*) FROM kept', url)).toBe('1000');
  });

  it('takes changed settings at a restart', async () => {
    await server.restart({ wal_sender_timeout: '7s' });
    expect(await ask('SHOW wal_sender_timeout')).toBe('7s');
  });

  it('goes back to an older copy of itself', async () => {
    const url = await server.createDatabase();
    await ask('CREATE TABLE counted AS SELECT 1 AS n', url);
    await server.stop();
    const copy = await server.copyData();
    await server.start();
    await ask('UPDATE counted SET n = 2 RETURNING n', url);
    await server.stop();
    await server.restoreData(copy);
    await server.start();
    expect(await ask('SELECT n FROM counted', url)).toBe('1');
  });

  it('answers nobody while frozen, and goes on afterwards', async () => {
    const client = await server.connect();
    server.freeze(true);
    let answered = false;
    const answer = client.query('SELECT 1').then(() => {
      answered = true;
    });
    await sleep(200);
    expect(answered).toBe(false);
    server.freeze(false);
    await answer;
    await client.end();
  });
});

describe('the WAL of a new server', () => {
  it.each([
    ['beyond 2^53', 0x0020_0001_0100_0000n, '200001/1'],
    ['beyond 2^63', 0xffff_fff0_0100_0000n, 'FFFFFFF0/1'],
  ])('begins %s when asked, and survives a crash there', async (_name, walStart, prefix) => {
    await using server = await PgServer.create({ version: 18, walStart });
    const client = await server.connect();
    await client.query('CREATE TABLE t AS SELECT 1 AS n');
    const { rows } = await client.query('SELECT pg_current_wal_lsn()::text AS lsn');
    expect(rows[0].lsn.startsWith(prefix)).toBe(true);
    await client.query("SELECT pg_create_logical_replication_slot('s', 'pgoutput')");
    await client.end();
    await server.kill9();
    await server.start();
    const again = await server.connect();
    expect((await again.query('SELECT n FROM t')).rows).toEqual([{ n: 1 }]);
    await again.end();
  });
});
