export { EndedIds } from './ended-ids.js';
export { InProcessJobs, type InProcessOptions } from './in-process.js';
export { type JobStore, type KeyedTable, type StoredJob, tableJobStore } from './job-store.js';
export { checkJob, isLast, type NextStep, nextStep, verdictOf } from './next-step.js';
export {
  type Cancelled,
  concurrency_default,
  type Enqueued,
  id_length_max,
  type JobAttempt,
  type JobHandler,
  type JobRunner,
  type JobRunnerStatus,
  type JobVerdict,
  job_bytes_max,
  type NewJob,
  type RetryPolicy,
  remembered_max,
  rememberedFor_ms,
  waiting_max_default,
} from './port.js';
