import type { ConnectSettings } from './rest.js';

export interface SinkOptions {
  /** URL of the follower's database, with its user. The tables exist. */
  readonly followerUrl: string;
  readonly topics: readonly string[];
}

/**
 * Debezium's JDBC sink as its documentation has it for topics of Debezium's own source: upserts and deletes by the record's
 * key, into tables of the leader's names; batches of 500 as it comes.
 */
export function sinkSettings({ followerUrl, topics }: SinkOptions): ConnectSettings {
  const { hostname, port, username, password, pathname } = new URL(followerUrl);
  return {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': '1',
    topics: topics.join(),
    'connection.url': `jdbc:postgresql://${hostname}:${port}${pathname}`,
    'connection.username': decodeURIComponent(username),
    'connection.password': decodeURIComponent(password),
    'insert.mode': 'upsert',
    'delete.enabled': 'true',
    'primary.key.mode': 'record_key',
    'schema.evolution': 'none',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the connector's own placeholder
    'collection.name.format': '${source.table}',
  };
}
