import { publication } from '../contestant.js';
import type { ConnectSettings } from './rest.js';

export interface SourceOptions {
  /** Superuser's URL of the leader's database. */
  readonly leaderUrl: string;
  /** Of pgoutput; made by the connector if absent. */
  readonly slot: string;
  /** Topics are `<prefix>.<schema>.<table>`. */
  readonly prefix: string;
}

/** Debezium's PostgreSQL connector in its default configuration: it begins with a snapshot. */
export function sourceSettings({ leaderUrl, slot, prefix }: SourceOptions): ConnectSettings {
  const { hostname, port, username, password, pathname } = new URL(leaderUrl);
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'database.hostname': hostname,
    'database.port': port,
    'database.user': decodeURIComponent(username),
    'database.password': decodeURIComponent(password),
    'database.dbname': decodeURIComponent(pathname.slice(1)),
    'topic.prefix': prefix,
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'publication.name': publication,
    'publication.autocreate.mode': 'disabled',
    // Marks that our captures leave in the WAL: no rows of the workload.
    'message.prefix.exclude.list': 'millrace.*',
  };
}

/** No snapshot: without a stored offset it streams from where its slot, which exists, stands. */
export const streamingAlone: ConnectSettings = { 'snapshot.mode': 'no_data' };

/** What Debezium's own guides and published measurements turn first. */
const largeBatches: ConnectSettings = {
  'max.batch.size': '20000',
  'max.queue.size': '100000',
  'poll.interval.ms': '10',
};

/** For the highest rate: a producer that fills its requests. */
export const tunedSource: ConnectSettings = {
  ...largeBatches,
  'producer.override.batch.size': String(512 * 1024),
  'producer.override.linger.ms': '10',
  'producer.override.buffer.memory': String(64 * 1024 * 1024),
};

/** For the lowest latency: a producer that never waits (it would for 5 ms). */
export const promptSource: ConnectSettings = { ...largeBatches, 'producer.override.linger.ms': '0' };
