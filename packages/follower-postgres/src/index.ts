export { createPostgresFollower } from './follower.js';
export type { PostgresFollowerOptions } from './options.js';
