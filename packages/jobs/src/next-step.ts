import { assert, backoff_ms } from '@millrace/runtime';
import { id_length_max, type JobVerdict, job_bytes_max, type NewJob, type RetryPolicy } from './port.js';

/** What becomes of a job after an attempt. */
export type NextStep =
  | { readonly kind: 'end'; readonly failed: boolean; readonly reason?: string }
  | { readonly kind: 'again'; readonly in_ms: number; readonly retries: number };

/** Whether an attempt after `retries` earlier ones is the last. */
export const isLast = (retries: number, policy: RetryPolicy): boolean => retries + 1 >= policy.attempts_max;

/** Decides after an attempt. `retries` counts those before it; `random` is in [0, 1). */
export function nextStep(
  verdict: JobVerdict,
  retries: number,
  policy: RetryPolicy,
  random: number,
): NextStep {
  switch (verdict.kind) {
    case 'done':
      return { kind: 'end', failed: false };
    case 'drop':
      return { kind: 'end', failed: true, reason: verdict.reason };
    case 'later':
      return { kind: 'again', in_ms: verdict.in_ms, retries };
    case 'retry':
      if (isLast(retries, policy))
        return {
          kind: 'end',
          failed: true,
          reason: `given up after ${policy.attempts_max} attempts: ${verdict.reason}`,
        };
      return {
        kind: 'again',
        in_ms: backoff_ms(policy.backoff, retries, random),
        retries: retries + 1,
      };
  }
}

/** A handler's exception is a wish to try again. */
export const verdictOf = (error: unknown): JobVerdict => ({
  kind: 'retry',
  reason: error instanceof Error ? error.message : String(error),
});

/** Promise 7: no job is larger than what the runner has room for. */
export function checkJob(job: NewJob): void {
  assert(job.id.length > 0 && job.id.length <= id_length_max, 'promise 7: a job has an id of bounded length');
  assert(Buffer.byteLength(job.data) <= job_bytes_max, 'promise 7: a job is of bounded size');
}
