import { PgServer, type PgServerOptions, type ServerSettings } from '@millrace/local-postgres';
import { sharedServerUrl } from './shared-servers.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';
import type { PostgresVersion } from './versions.js';

/** Named places for the start of a leader's WAL, where 64-bit positions go wrong first. */
const walStarts = {
  'beyond-2^53': 0x0020_0001_0100_0000n,
  'beyond-2^63': 0xffff_fff0_0100_0000n,
} as const;

export interface StartPostgresOptions {
  readonly version: PostgresVersion;
  readonly conf?: ServerSettings;
  /** Where the WAL starts; a bigint must stand on a 16 MiB boundary. */
  readonly startLsn?: keyof typeof walStarts | bigint;
}

/**
 * A server of the test's own, for tests that kill, freeze or reconfigure it; about 0.3 s once the binaries and the
 * template are cached. The caller calls `remove()` (or `await using`). For everything else there is `pgDatabase`.
 */
export function startPostgres({ version, conf, startLsn }: StartPostgresOptions): Promise<PgServer> {
  const options: PgServerOptions = {
    version,
    from: import.meta.url,
    ...(conf === undefined ? {} : { conf }),
    ...(startLsn === undefined
      ? {}
      : { walStart: typeof startLsn === 'bigint' ? startLsn : walStarts[startLsn] }),
  };
  return PgServer.create(options);
}

/**
 * An empty database of the test's own on the shared server of `version`, which starts when the first test asks for
 * it. Roles, slots' names and settings are the cluster's: keep them unique. `drop()` it (or `await using`).
 */
export async function pgDatabase(version: PostgresVersion): Promise<TestDatabase> {
  return createTestDatabase(await sharedServerUrl(version), version);
}
