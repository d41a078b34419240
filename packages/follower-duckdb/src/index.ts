export { createDuckDbFollower } from './follower.js';
export type { DuckDbFollowerOptions } from './options.js';
