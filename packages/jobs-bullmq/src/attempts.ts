import {
  isLast,
  type JobHandler,
  type JobVerdict,
  nextStep,
  type RetryPolicy,
  verdictOf,
} from '@millrace/jobs';
import type { Surroundings } from '@millrace/runtime';
import { DelayedError, UnrecoverableError } from 'bullmq';
import { type BullJob, type BullProcessor, RetryWish } from './bull-server.js';
import { idOf } from './job-id.js';

/** A closing runner's aborted attempt is repeated by the next one at once. */
const handedOn_ms = 0;

export interface AttemptsOptions {
  readonly retry: RetryPolicy;
  readonly handler: JobHandler;
  readonly surroundings: Surroundings;
  readonly closing: () => boolean;
}

/** Turns BullMQ's calls into attempts, and verdicts into what BullMQ understands. Knows which are under way. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #running = new Map<string, AbortController>();
  readonly #ends = new Set<Promise<void>>();

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  get underWay(): number {
    return this.#ends.size;
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#ends);
  }

  /** The ids of BullMQ. */
  abort(bullId: string): void {
    this.#running.get(bullId)?.abort();
  }

  abortAll(): void {
    for (const stop of this.#running.values()) stop.abort();
  }

  readonly process: BullProcessor = (job, token) => {
    const attempt = this.#attempt(job, token);
    const end = attempt.then(
      () => undefined,
      () => undefined,
    );
    this.#ends.add(end);
    void end.then(() => this.#ends.delete(end));
    return attempt;
  };

  async #attempt(job: BullJob, token: string | undefined): Promise<void> {
    const bullId = job.id ?? '';
    if (job.data.cancelled) throw new UnrecoverableError('cancelled');
    const stop = new AbortController();
    this.#running.set(bullId, stop);
    const verdict = await this.#verdict(job, stop.signal);
    if (this.#running.get(bullId) === stop) this.#running.delete(bullId);
    if (stop.signal.aborted && verdict.kind !== 'done' && verdict.kind !== 'drop') {
      if (!this.#options.closing()) throw new UnrecoverableError('cancelled');
      // Cut short by our own end: it does not count.
      return postpone(job, token, handedOn_ms);
    }
    await this.#carryOut(job, token, verdict);
  }

  async #verdict(job: BullJob, signal: AbortSignal): Promise<JobVerdict> {
    const retries = job.attemptsMade;
    try {
      return await this.#options.handler({
        id: idOf(job.id ?? ''),
        data: job.data.payload,
        retries,
        last: isLast(retries, this.#policy(job)),
        signal,
      });
    } catch (error) {
      return verdictOf(error);
    }
  }

  async #carryOut(job: BullJob, token: string | undefined, verdict: JobVerdict): Promise<void> {
    const { random, logger } = this.#options.surroundings;
    const step = nextStep(verdict, job.attemptsMade, this.#policy(job), random());
    if (step.kind === 'end') {
      if (!step.failed) return;
      const reason = step.reason ?? 'refused';
      logger.warn({ code: 'MR-6007', job: idOf(job.id ?? '') }, `the job has failed: ${reason}`);
      throw new UnrecoverableError(reason);
    }
    if (verdict.kind === 'later') return postpone(job, token, step.in_ms);
    throw new RetryWish(verdict.kind === 'retry' ? verdict.reason : '', step.in_ms);
  }

  /** A job keeps the number of attempts that it was made with. */
  #policy(job: BullJob): RetryPolicy {
    const { retry } = this.#options;
    return { ...retry, attempts_max: job.opts.attempts ?? retry.attempts_max };
  }
}

/** Not counted as an attempt: BullMQ is told by this error that the job has been moved already. */
async function postpone(job: BullJob, token: string | undefined, in_ms: number): Promise<never> {
  await job.moveToDelayed(Date.now() + in_ms, token);
  throw new DelayedError();
}
