export { locatePackage } from './binaries.js';
export type { StopMode } from './postmaster.js';
export { PgServer, type PgServerOptions } from './server.js';
export { defaultSettings, type ServerSettings } from './settings.js';
