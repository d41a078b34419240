import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { PostgresVersion } from './versions.js';

/** A database that one test has to itself. */
export interface TestDatabase extends AsyncDisposable {
  readonly version: PostgresVersion;
  readonly name: string;
  /** Superuser's URL; serves for ordinary and replication connections. */
  readonly url: string;
  /** A connected client; the caller ends it (or `drop` cuts it off). */
  connect(): Promise<pg.Client>;
  /** Ends its sessions, drops its slots and prepared transactions, then the database. */
  drop(): Promise<void>;
}

/** A client that does not end the process when its server is killed while it is idle. */
export async function connectTo(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connectTo(url);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

async function rollBackPrepared(admin: pg.Client, serverUrl: string, name: string): Promise<void> {
  const { rows } = await admin.query<{ gid: string }>(
    'SELECT gid FROM pg_prepared_xacts WHERE database = $1',
    [name],
  );
  if (rows.length === 0) return;
  await withClient(urlOf(serverUrl, name), async (client) => {
    for (const { gid } of rows) await client.query(`ROLLBACK PREPARED ${pg.escapeLiteral(gid)}`);
  });
}

/** Slots hold back WAL of the whole cluster and are few: they must not outlive the test. */
async function dropSlots(admin: pg.Client, name: string): Promise<void> {
  // Slots in use are freed a moment after their session is told to end.
  const tries_max = 100;
  for (let attempt = 1; attempt <= tries_max; attempt++) {
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
    await admin.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1 AND active_pid IS NULL',
      [name],
    );
    const { rowCount } = await admin.query('SELECT 1 FROM pg_replication_slots WHERE database = $1', [name]);
    if (rowCount === 0) return;
    await admin.query('SELECT pg_sleep(0.02)');
  }
  throw new Error(`replication slots of database ${name} are still in use`);
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, async (admin) => {
    await rollBackPrepared(admin, serverUrl, name);
    await dropSlots(admin, name);
    await admin.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
  });
}

/** Makes an empty database on the server that `serverUrl` (a superuser's) points at. */
export async function createTestDatabase(serverUrl: string, version: PostgresVersion): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withClient(serverUrl, (admin) =>
    admin.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'`),
  );
  const url = urlOf(serverUrl, name);
  const drop = (): Promise<void> => dropDatabase(serverUrl, name);
  return { version, name, url, drop, connect: () => connectTo(url), [Symbol.asyncDispose]: drop };
}
