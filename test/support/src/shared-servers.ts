import { PgServer } from '@millrace/local-postgres';
import { askKeeper } from './server-keeper.js';
import type { PostgresVersion } from './versions.js';

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
  return (await askKeeper(String(version))) ?? ownServerUrl(version);
}
