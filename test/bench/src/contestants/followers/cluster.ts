import { type PgServer, startPostgres } from '@millrace/test-support';
import type { Stand } from '../contestant.js';

/** A database of one lane in the follower cluster. */
export interface FollowerDatabase {
  readonly url: string;
  readonly name: string;
  connect(): ReturnType<PgServer['connect']>;
  /** Drops it, and the cluster after the last one. */
  remove(): Promise<void>;
}

/**
 * The second PostgreSQL 18 server of a comparison, shared by all its lanes and by both contestants, so that nobody has the
 * better machine; each lane has a database of its own. Settings as every local server starts with, which are durable:
 * fsync, full_page_writes, synchronous_commit on. `max_wal_size` is the one change: checkpoints that one lane's rows force would
 * otherwise fall into the next lane's drain.
 */
interface Cluster {
  readonly server: Promise<PgServer>;
  databases: number;
}

const clusters = new WeakMap<Stand, Cluster>();

const conf = {
  max_wal_size: '8GB',
  max_logical_replication_workers: '16',
  max_worker_processes: '32',
} as const;

/** What the results file says about the follower's server. */
export const followerSettings = 'second cluster, durable, a database per lane, max_wal_size 8GB';

function clusterOf(stand: Stand): Cluster {
  let cluster = clusters.get(stand);
  if (!cluster) {
    cluster = { server: startPostgres({ version: 18, conf }), databases: 0 };
    clusters.set(stand, cluster);
  }
  return cluster;
}

/** An empty database in the stand's follower cluster, which starts with the first one. */
export async function followerDatabase(stand: Stand, lane: number): Promise<FollowerDatabase> {
  const cluster = clusterOf(stand);
  cluster.databases += 1;
  const server = await cluster.server;
  const url = await server.createDatabase(`lane${lane}`);
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  let removed = false;
  return {
    url,
    name,
    connect: () => server.connect(name),
    async remove() {
      if (removed) return;
      removed = true;
      cluster.databases -= 1;
      if (cluster.databases === 0) {
        clusters.delete(stand);
        await server.remove();
        return;
      }
      const admin = await server.connect();
      try {
        await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
      } finally {
        await admin.end();
      }
    },
  };
}

/** Writes the follower's dirty pages now, before the clock starts: they are another lane's. */
export async function settleFollowers(stand: Stand): Promise<void> {
  const server = await clusters.get(stand)?.server;
  if (!server) return;
  const admin = await server.connect();
  try {
    await admin.query('CHECKPOINT');
  } finally {
    await admin.end();
  }
}
