import { publication } from '../contestant.js';
import type { ConnectSettings } from './rest.js';

export interface SourceOptions {
  /** Superuser's URL of the leader's database. */
  readonly leaderUrl: string;
  /** An existing slot of pgoutput. */
  readonly slot: string;
  /** Topics are `<prefix>.<schema>.<table>`. */
  readonly prefix: string;
}

/**
 * Debezium's PostgreSQL connector in its default configuration, streaming from where the slot stands: `no_data` takes no
 * snapshot, and without a stored offset the slot's own position counts.
 */
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
    'snapshot.mode': 'no_data',
    // Marks that our captures leave in the WAL while their lanes are prepared: no rows of the workload.
    'message.prefix.exclude.list': 'millrace.*',
  };
}

/** What Debezium's own guides and published measurements turn first, and a producer that fills its requests. */
export const tunedSource: ConnectSettings = {
  'max.batch.size': '20000',
  'max.queue.size': '100000',
  'poll.interval.ms': '10',
  'producer.override.batch.size': String(512 * 1024),
  'producer.override.linger.ms': '10',
  'producer.override.buffer.memory': String(64 * 1024 * 1024),
};
