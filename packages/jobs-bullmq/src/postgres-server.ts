import { describeTarget, type PostgresTarget, parsePostgresUrl } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import pg from 'pg';
import { type BullProcessor, type BullServer, type WorkerSettings, workerOptions } from './bull-server.js';
import { serverFault } from './server-fault.js';

/** BullMQ's tables live here. */
export const jobsSchema = 'bullmq';
const connect_ms_max = 5_000;
const statement_ms_max = 10_000;
/** Queries of one queue or worker; its LISTEN connection comes on top. */
const connections_max = 2;
/** BullMQ's own minimum. */
const major_min = 13;

/** One of the encryptions that the URL allows. */
type Tls = PostgresTarget['tls'][number];

const connectionOf = ({ host, port, user, password, database }: PostgresTarget, tls: Tls) => ({
  host,
  port,
  ...(user !== undefined && { user }),
  ...(password !== undefined && { password }),
  ...(database !== undefined && { database }),
  ssl: tls,
  connectionTimeoutMillis: connect_ms_max,
  statement_timeout: statement_ms_max,
  keepAlive: true,
  application_name: 'millrace-jobs',
});

/** PostgreSQL from 13, in a database that nobody captures. `sslmode` has libpq's meaning. Throws MR-1003 for a bad URL. */
export function postgresServer(url: string): BullServer {
  const target = parsePostgresUrl(url);
  const where = describeTarget(target);
  // The first of the URL's encryptions with which the server was reached; BullMQ tries only one.
  let tls: Tls = target.tls[0] ?? false;
  const connection = () => ({
    ...connectionOf(target, tls),
    schema: jobsSchema,
    migrate: true,
    max: connections_max,
  });
  return {
    kind: 'postgres',
    where,
    async prepare() {
      tls = await reach(target, refuseUnfit);
    },
    queue: (name) => queueOn(connection(), name),
    worker: (name, processor, settings) => workerOn(connection(), name, processor, settings),
  };
}

type Connection = ReturnType<typeof connectionOf> & { readonly schema: string };

function queueOn(connection: Connection, name: string) {
  return new Queue(name, { connection }, createPostgresBackend);
}

function workerOn(connection: Connection, name: string, processor: BullProcessor, settings: WorkerSettings) {
  return new Worker(name, processor, { connection, ...workerOptions(settings) }, createPostgresBackend);
}

/** One short connection, with the encryption that worked. Throws MR-6003, MR-6004, MR-6005, MR-6008. */
async function reach(target: PostgresTarget, look: (client: pg.Client) => Promise<void>): Promise<Tls> {
  let last: unknown;
  for (const tls of target.tls) {
    const client = new pg.Client(connectionOf(target, tls));
    client.on('error', () => undefined);
    try {
      await client.connect();
      await look(client);
      return tls;
    } catch (error) {
      last = error;
      if (error instanceof Fault) break;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  throw serverFault(last, describeTarget(target));
}

interface Facts {
  readonly database: string;
  readonly version: string;
  readonly recovering: boolean;
  readonly slot: string | null;
}

/** Before the first statement that writes: a database with a logical slot is captured, by us or by others. */
async function refuseUnfit(client: pg.Client): Promise<void> {
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
