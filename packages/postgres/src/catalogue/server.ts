import { type Lsn, parseLsn } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { PgSession } from '../connection/session.js';

export interface ServerInfo {
  /** Major version: 18. */
  readonly version: number;
  /** As the server words it: `18.4`. */
  readonly versionText: string;
  readonly database: string;
  readonly encoding: string;
  readonly role: string;
  readonly superuser: boolean;
  readonly inRecovery: boolean;
  /** minimal, replica or logical. */
  readonly walLevel: string;
  /** max_replication_slots. */
  readonly slotsMax: number;
}

export async function readServer(session: PgSession): Promise<ServerInfo> {
  const row = await session.queryOne(
    'asking the server who it is',
    `SELECT pg_catalog.current_setting('server_version_num') AS num,
       pg_catalog.current_setting('server_version') AS text,
       pg_catalog.current_database() AS database,
       pg_catalog.current_setting('server_encoding') AS encoding,
       CURRENT_USER AS role,
       pg_catalog.current_setting('is_superuser') AS superuser,
       pg_catalog.pg_is_in_recovery() AS recovery,
       pg_catalog.current_setting('wal_level') AS wal_level,
       pg_catalog.current_setting('max_replication_slots') AS slots_max`,
  );
  return {
    version: Math.floor(Number(row.num) / 10_000),
    versionText: row.text as string,
    database: row.database as string,
    encoding: row.encoding as string,
    role: row.role as string,
    superuser: row.superuser === 'on',
    inRecovery: row.recovery === 't',
    walLevel: row.wal_level as string,
    slotsMax: Number(row.slots_max),
  };
}

export const oldestVersion = 14;

/** Throws MR-2015 for a server that is too old, MR-2003 for one that cannot decode its WAL. */
export function requireDecoding(server: ServerInfo): void {
  if (server.version < oldestVersion)
    throw new Fault('MR-2015', { detail: `the leader is PostgreSQL ${server.versionText}` });
  if (server.walLevel !== 'logical')
    throw new Fault('MR-2003', { detail: `wal_level is ${server.walLevel}, not logical` });
  if (server.slotsMax === 0) throw new Fault('MR-2003', { detail: 'max_replication_slots is 0' });
}

export interface WalEnd {
  /** End of what is flushed; of a server in recovery, of what it has replayed. */
  readonly end: Lsn;
  readonly isReplaying: boolean;
}

/** How far the server's WAL goes that a walsender may send: never back, but for a standby's own restarts. */
export async function readWalEnd(session: PgSession): Promise<WalEnd> {
  const { at, replaying } = await session.queryOne(
    'asking where the WAL ends',
    `SELECT replaying, CASE WHEN replaying THEN pg_catalog.pg_last_wal_replay_lsn()
       ELSE pg_catalog.pg_current_wal_flush_lsn() END AS at
     FROM pg_catalog.pg_is_in_recovery() AS replaying`,
  );
  return { end: parseLsn(at as string), isReplaying: replaying === 't' };
}

/** The WAL position that a leader has written, or a standby has replayed, to. */
export async function readWalPosition(session: PgSession): Promise<Lsn> {
  const row = await session.queryOne(
    'asking for the WAL position',
    `SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
       ELSE pg_catalog.pg_current_wal_lsn() END AS at`,
  );
  return parseLsn(row.at as string);
}
