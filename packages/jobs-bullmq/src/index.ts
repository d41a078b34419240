export { BullJobs, type BullJobsOptions } from './bull-jobs.js';
export type { BullServer } from './bull-server.js';
export { jobsSchema, postgresServer } from './postgres-server.js';
export { type JobsFinding, redisFindings } from './redis-findings.js';
export { describeRedis, redisServer } from './redis-server.js';
