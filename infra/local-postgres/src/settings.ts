/** Settings by name, values as postgresql.conf writes them without quotes (`{ wal_sender_timeout: '5s' }`). */
export type ServerSettings = Readonly<Record<string, string>>;

/**
 * What every local server starts with: durable as in production (fsync stays on), ready for logical decoding, room
 * for the slots of a whole test run, and small in memory.
 */
export const defaultSettings: ServerSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_wal_senders: '50',
  max_replication_slots: '50',
  max_prepared_transactions: '20',
  max_connections: '100',
  shared_buffers: '64MB',
  log_checkpoints: 'off',
};

/** Lines for postgresql.conf, where the last one wins; `fresh` puts the defaults first. */
export function configurationText(conf: ServerSettings, fresh: boolean): string {
  const settings = fresh ? { ...defaultSettings, ...conf } : conf;
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('');
}
