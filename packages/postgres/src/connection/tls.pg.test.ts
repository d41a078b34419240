import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PgServer, removeTempFolder, startPostgres, tempFolder } from '@millrace/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLibraryWalSource } from '../replication/library-wal-source.js';
import { PgSession } from './session.js';

/** A certificate authority and a server's certificate for `localhost`, made by the openssl on this machine. */
function makeCertificates(folder: string): void {
  const openssl = (...parameters: string[]): void =>
    void execFileSync('openssl', parameters, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '2',
    '-subj',
    '/CN=Test authority',
  );
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost');
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'server.crt',
    '-days',
    '2',
    '-extfile',
    'names',
  );
}

describe('a server that offers TLS', () => {
  let server: PgServer;
  let folder: string;
  const url = (host: string, parameters: Record<string, string>): string => {
    const changed = new URL(server.url);
    changed.hostname = host;
    for (const [name, value] of Object.entries(parameters)) changed.searchParams.set(name, value);
    return changed.href;
  };
  const encrypted = async (
    host: string,
    parameters: Record<string, string>,
  ): Promise<string | null | undefined> => {
    const session = await PgSession.open(url(host, parameters), { role: 'leader' });
    const row = await session.queryOne(
      'testing',
      'SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    await session.close();
    return row.ssl;
  };

  beforeAll(async () => {
    folder = await tempFolder();
    makeCertificates(folder);
    server = await startPostgres({ version: 18 });
    const owner = statSync(server.dataDir);
    for (const name of ['server.crt', 'server.key']) {
      copyFileSync(join(folder, name), join(server.dataDir, name));
      chownSync(join(server.dataDir, name), owner.uid, owner.gid);
      chmodSync(join(server.dataDir, name), 0o600);
    }
    const client = await server.connect();
    await client.query('ALTER SYSTEM SET ssl = on');
    await client.query('SELECT pg_reload_conf()');
    await client.query('SELECT pg_sleep(0.3)');
    await client.end();
  });
  afterAll(async () => {
    await server?.remove();
    await removeTempFolder(folder);
  });

  it('is spoken to in TLS unless that is switched off', async () => {
    expect(await encrypted('127.0.0.1', {})).toBe('t');
    expect(await encrypted('127.0.0.1', { sslmode: 'require' })).toBe('t');
    expect(await encrypted('127.0.0.1', { sslmode: 'disable' })).toBe('f');
  });

  it('must prove who it is under verify-ca and verify-full, by chain and by name', async () => {
    const sslrootcert = join(folder, 'ca.crt');
    expect(await encrypted('127.0.0.1', { sslmode: 'verify-ca', sslrootcert })).toBe('t');
    expect(await encrypted('localhost', { sslmode: 'verify-full', sslrootcert })).toBe('t');
    const refused = expect.objectContaining({
      code: 'MR-2002',
      remedy: expect.stringContaining('sslrootcert'),
    });
    await expect(encrypted('127.0.0.1', { sslmode: 'verify-full', sslrootcert })).rejects.toEqual(refused);
    await expect(encrypted('localhost', { sslmode: 'verify-full' })).rejects.toEqual(refused);
    await expect(encrypted('127.0.0.1', { sslmode: 'verify-ca' })).rejects.toEqual(refused);
  });

  it('streams replication through TLS', async () => {
    const client = await server.connect();
    await client.query('CREATE TABLE t (id int PRIMARY KEY, x text); CREATE PUBLICATION p FOR TABLE t');
    await client.query(`SELECT pg_create_logical_replication_slot('tls', 'pgoutput')`);
    await client.query(`INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 20000) g`);
    const source = createLibraryWalSource({
      url: url('localhost', { sslmode: 'verify-full', sslrootcert: join(folder, 'ca.crt') }),
    });
    const stream = await source.open({
      slot: 'tls',
      options: { proto_version: '1', publication_names: '"p"' },
    });
    const stop = new AbortController();
    let inserts = 0;
    await stream.run(
      {
        payload: (bytes, start) => {
          if (bytes[start] === 0x49) inserts++;
          if (bytes[start] === 0x43) stop.abort();
          return undefined;
        },
        keepalive: () => undefined,
        room: () => undefined,
      },
      stop.signal,
    );
    expect(inserts).toBe(20_000);
    await stream.close();
    await client.end();
  });
});
