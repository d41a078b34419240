export { type LoadedConfig, loadConfig, parseConfig } from './config/load.js';
export { type Config, configJsonSchema, type FollowerConfig, schemaUrl } from './config/schema.js';
export { Secrets } from './config/secrets.js';
export { main } from './main.js';
