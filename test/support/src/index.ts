export { PgServer, type ServerSettings, type StopMode } from '@millrace/local-postgres';
export { pgDatabase, type StartPostgresOptions, startPostgres } from './postgres.js';
export { spawnScript } from './spawn-script.js';
export { type Direction, TcpProxy } from './tcp-proxy.js';
export { removeTempFolder, tempFolder } from './temp-folder.js';
export { connectTo, type TestDatabase } from './test-database.js';
export { type PostgresVersion, postgresVersions } from './versions.js';
export { type WaitOptions, waitFor } from './wait-for.js';
