import { PgServer } from '@millrace/local-postgres';
import type { PostgresVersion } from './versions.js';

/**
 * Shared servers belong to the process that outlives the tests: vitest's main process (see `global-setup.ts`). Test
 * workers come and go with their files, and ask it for a server's URL over HTTP. Without a broker (a script outside
 * vitest) the process keeps servers of its own.
 */
export const brokerVariable = 'MILLRACE_TEST_SERVERS';

const sharedSettings = { max_connections: '200' };

const own = new Map<PostgresVersion, Promise<PgServer>>();

/** A server given by the environment, as `MILLRACE_TEST_PG18_URL=postgresql://superuser@…`. */
function givenUrl(version: PostgresVersion): string | undefined {
  return process.env[`MILLRACE_TEST_PG${version}_URL`];
}

/** URL of the server of `version` that this process owns, started on first use. */
export async function ownServerUrl(version: PostgresVersion): Promise<string> {
  const given = givenUrl(version);
  if (given !== undefined) return given;
  let starting = own.get(version);
  if (starting === undefined) {
    starting = PgServer.create({ version, from: import.meta.url, conf: sharedSettings });
    own.set(version, starting);
  }
  return (await starting).url;
}

/** Ends the servers this process owns. */
export async function removeOwnServers(): Promise<void> {
  const servers = [...own.values()];
  own.clear();
  for (const server of servers) await (await server).remove();
}

/** Superuser's URL of the server that all tests of this run share. */
export async function sharedServerUrl(version: PostgresVersion): Promise<string> {
  const broker = process.env[brokerVariable];
  if (broker === undefined) return ownServerUrl(version);
  const answer = await fetch(`${broker}/${version}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`no shared PostgreSQL ${version}: ${text}`);
  return text;
}
