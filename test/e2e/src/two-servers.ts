import { type PgServer, type PostgresVersion, startPostgres } from '@millrace/test-support';
import { afterAll, beforeAll } from 'vitest';

export interface TwoServers {
  readonly leaderServer: PgServer;
  readonly replicaServer: PgServer;
}

/** A leader's and a replica's server for all tests of the present `describe`; to be asked for within a test. */
export function twoServers(
  version: PostgresVersion,
  leaderConf: Readonly<Record<string, string>> = {},
): () => TwoServers {
  let servers: TwoServers | undefined;
  beforeAll(async () => {
    const leaderServer = await startPostgres({ version, conf: leaderConf });
    servers = { leaderServer, replicaServer: await startPostgres({ version }) };
  });
  afterAll(async () => {
    await servers?.leaderServer.remove();
    await servers?.replicaServer.remove();
  });
  return () => {
    if (!servers) throw new Error('the servers are there during a test only');
    return servers;
  };
}
