export { BullJobs, type BullJobsOptions } from './bull-jobs.js';
export type { BullServer } from './bull-server.js';
export { describePostgres, jobsSchema, postgresServer } from './postgres-server.js';
export { describeRedis, redisServer } from './redis-server.js';
