import type { BackoffPolicy, Fault } from '@millrace/runtime';

/**
 * Port: durable background jobs of one queue, with retries. Its contract:
 *
 * - **At least once.** A job whose `enqueue` resolved runs until a verdict ends it, whatever dies in between: a worker that
 *   is killed in the middle of a job leaves it to the next one. A handler must bear being run twice for one job.
 * - **One job per id.** Enqueueing an id that waits, runs, or has ended a short while ago adds nothing and says so.
 *   Ended ids are remembered for `rememberedFor_ms` while they are among the newest `remembered_max`.
 * - **Retries** come after growing pauses with jitter, at most `attempts_max` attempts in all; then the job has failed. A
 *   handler that throws asked for a retry. Pauses and delays are lower bounds as long as the runner lives; after a crash
 *   or a jump of the wall clock an attempt may come earlier or later, but it comes.
 * - **No order** between jobs, and up to `concurrency` run in parallel, one attempt of one job at a time per runner.
 *   After a crash, or while a runner has lost its server, an old attempt may still be under way elsewhere.
 * - **Waiting is visible** (promise 10). A server that is down is no error of the runner: `status` says so with its cause,
 *   `enqueue` and `cancel` reject with MR-6003 within seconds, and all goes on by itself once the server is back.
 *   A rejected `enqueue` may still take effect; ask again under the same id.
 * - **Bounded** (promise 7): at most `concurrency` jobs are held for work, each of at most `job_bytes_max`; a queue of
 *   `waiting_max` jobs takes no more (MR-6006).
 * - `close` aborts the attempts under way after `timeout_ms`, is idempotent, and leaves all jobs without a verdict to the
 *   next runner, as far as the runner is `durable`.
 */
export interface JobRunner {
  /** For people and metrics: `in_process`, `redis`, `postgres`. */
  readonly kind: string;
  /** Whether jobs outlive this process. */
  readonly durable: boolean;
  /**
   * Begins to work; once. Resolves when it works, or when it waits for its server. Rejects only when it can never work
   * (MR-6005); before `start` jobs are taken but not run.
   */
  start(handler: JobHandler): Promise<void>;
  /** Resolves when the job is kept. Rejects with MR-6003, MR-6004, MR-6006. */
  enqueue(job: NewJob): Promise<Enqueued>;
  /** Takes a job back. */
  cancel(id: string): Promise<Cancelled>;
  status(): JobRunnerStatus;
  close(timeout_ms: number): Promise<void>;
}

export interface NewJob {
  /** Any text of 1 to `id_length_max` characters. */
  readonly id: string;
  /** What the handler gets, usually JSON. */
  readonly data: string;
  /** Not before this many milliseconds from now. */
  readonly delay_ms?: number;
}

/** `waiting`: such a job is there already, or runs. `ended`: it has ended a short while ago. */
export type Enqueued = 'added' | 'waiting' | 'ended';

/** `ending`: an attempt is under way and may still succeed; no other follows. */
export type Cancelled = 'cancelled' | 'ending' | 'unknown';

/** One attempt. */
export interface JobAttempt {
  readonly id: string;
  readonly data: string;
  /** Attempts before this one that ended in a retry. */
  readonly retries: number;
  /** No other attempt follows a verdict of `retry`. */
  readonly last: boolean;
  /** Aborts when the attempt should end early: the job was cancelled, or the runner closes. */
  readonly signal: AbortSignal;
}

export type JobVerdict =
  | { readonly kind: 'done' }
  /** Refused for good: never tried again. */
  | { readonly kind: 'drop'; readonly reason: string }
  /** Tried again after the next pause. */
  | { readonly kind: 'retry'; readonly reason: string }
  /** Not its turn yet: looked at again after this time, and not counted as an attempt. */
  | { readonly kind: 'later'; readonly in_ms: number };

export type JobHandler = (attempt: JobAttempt) => Promise<JobVerdict>;

export interface JobRunnerStatus {
  readonly state: 'starting' | 'ready' | 'waiting' | 'closed';
  /** Why it waits. */
  readonly fault?: Fault;
  /** Jobs that wait or run, when last counted. */
  readonly waiting?: number;
}

export interface RetryPolicy {
  readonly backoff: BackoffPolicy;
  readonly attempts_max: number;
}

export const id_length_max = 400;
export const job_bytes_max = 64 * 1024;
export const waiting_max_default = 10_000;
export const concurrency_default = 8;
export const rememberedFor_ms = 24 * 3_600_000;
export const remembered_max = 1_000;
