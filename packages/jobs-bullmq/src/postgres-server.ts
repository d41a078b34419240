import { Fault } from '@millrace/runtime';
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import pg from 'pg';
import { type BullServer, workerOptions } from './bull-server.js';
import { serverFault } from './server-fault.js';

/** BullMQ's tables live here. */
export const jobsSchema = 'bullmq';
const connect_ms_max = 5_000;
const statement_ms_max = 10_000;
/** Queries of one queue or worker; its LISTEN connection comes on top. */
const connections_max = 2;
/** BullMQ's own minimum. */
const major_min = 13;

const options = (url: string) => ({
  connectionString: url,
  schema: jobsSchema,
  migrate: true,
  max: connections_max,
  connectionTimeoutMillis: connect_ms_max,
  statement_timeout: statement_ms_max,
  keepAlive: true,
  application_name: 'millrace-jobs',
});

/** PostgreSQL from 13, in a database that nobody captures. */
export function postgresServer(url: string): BullServer {
  return {
    kind: 'postgres',
    where: describePostgres(url),
    prepare: () => withPostgres(url, refuseUnfit),
    queue: (name) => queueOn(url, name),
    worker: (name, processor, settings) =>
      new Worker(
        name,
        processor,
        { connection: options(url), ...workerOptions(settings) },
        createPostgresBackend,
      ),
  };
}

function queueOn(url: string, name: string) {
  return new Queue(name, { connection: options(url) }, createPostgresBackend);
}

/** `postgresql://host:port/database`, without user, password and parameters. */
export function describePostgres(url: string): string {
  const { host, pathname } = new URL(url);
  return `postgresql://${host}${pathname}`;
}

/** One short connection. Throws MR-6003, MR-6004, MR-6005, MR-6008. */
export async function withPostgres<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { schema: _schema, migrate: _migrate, max: _max, ...connection } = options(url);
  const client = new pg.Client(connection);
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw serverFault(error, describePostgres(url));
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface Facts {
  readonly database: string;
  readonly version: string;
  readonly recovering: boolean;
  readonly slot: string | null;
}

/** Before the first statement that writes: a database with a logical slot is captured, by us or by others. */
export async function refuseUnfit(client: pg.Client): Promise<void> {
  const { rows } = await client.query<Facts>(
    `SELECT pg_catalog.current_database() AS database,
            pg_catalog.current_setting('server_version_num') AS version,
            pg_catalog.pg_is_in_recovery() AS recovering,
            (SELECT slot_name FROM pg_catalog.pg_replication_slots
              WHERE slot_type = 'logical' AND database = pg_catalog.current_database() LIMIT 1) AS slot`,
  );
  const { database, version, recovering, slot } = rows[0] as Facts;
  if (slot !== null)
    throw new Fault('MR-6005', {
      detail: `database ${database} is captured: it has the logical replication slot ${slot}`,
    });
  if (Math.floor(Number(version) / 10_000) < major_min)
    throw new Fault('MR-6008', { detail: `background jobs need PostgreSQL ${major_min} or newer` });
  if (recovering)
    throw new Fault('MR-6008', {
      detail: `the server of database ${database} is a standby and cannot be written`,
    });
}
