export { accessRedis, type RedisAccess } from './given.js';
export { findRedis, type RedisProgram, unpackedRedis } from './program.js';
export { type RedisOptions, RedisServer, type RedisSettings, startRedis } from './server.js';
