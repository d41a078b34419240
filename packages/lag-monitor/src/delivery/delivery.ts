import type { JobAttempt, JobRunner, JobRunnerStatus, JobVerdict, RetryPolicy } from '@millrace/jobs';
import { backoff_ms, Fault, JointSignal, type Surroundings, toFault } from '@millrace/runtime';
import { Debts } from './debts.js';
import type { DeliveryResult, Notification, Notifier } from './notifier.js';
import type { Outbox, Owed } from './outbox.js';
import type { WaitingLine } from './waiting-line.js';

export interface DeliveryOptions {
  readonly notifiers: readonly Notifier[];
  readonly outbox: Outbox;
  /** Runs retries. */
  readonly jobs: JobRunner;
  /** Runs them while `jobs` is unavailable; may be the same one. Inside this process. */
  readonly lastResort: JobRunner;
  readonly retry: RetryPolicy;
  readonly surroundings: Surroundings;
  readonly onResult: (channel: string, result: DeliveryResult) => void;
  /** A fault that was met on the way, to be counted. */
  readonly onFault: (fault: Fault) => void;
  readonly turn_ms?: number;
}

export interface DeliveryStatus {
  /** Notifications that have not been delivered. */
  readonly owed: number;
  /** `in_process`, `redis`, `postgres`. */
  readonly jobsKind: string;
  readonly jobs: JobRunnerStatus;
}

/** Of an attempt, whoever asked for it. `blocked`: an earlier one of the same alert is still owed. */
type Outcome = 'ended' | 'retry' | 'blocked';

/** First after 5 to 10 s, then longer with jitter, every half to whole hour in the end; about a day in all. */
export const deliveryRetry: RetryPolicy = {
  backoff: { first_ms: 10_000, max_ms: 3_600_000, factor: 2 },
  attempts_max: 40,
};

/** The part of the time to close in which nothing new is sent, and answers are waited for. */
const lastAnswers = 0.25;

/** A job server is late with a retry only beyond so many turns, in addition to twice the pause. */
const overdue_turns = 6;

/** A receiver that is down for long gets the newest pages; what does not fit any more is told as failed. */
const owed_max = 1_000;
/**
 * A resolve looks so often whether its page has been delivered elsewhere, and we whether the job server has gone away
 * with jobs of ours.
 */
const turn_ms_default = 5_000;

/**
 * Delivers notifications: at once, and then again and again as jobs.
 *
 * ```
 * tell ─▶ outbox (the log) ─▶ attempt ──sent, refused──▶ ended: out of the outbox ─▶ the next of its alert
 *                                │ retry
 *                                ▼
 *              job (or, while there is no job server, a job of this process) ─▶ attempt ─▶ …
 * ```
 *
 * The outbox says what is owed, jobs only when to try again: a job whose notification is not owed any more does
 * nothing, and a notification without a job (its server lost it, the process died) is tried anew at the next start. So a
 * page is delivered whatever dies, and not a second time by a job that was left over. One alert's notifications go out
 * in order, one at a time; different alerts do not wait for each other.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #debts: Debts;
  /** Its waiting line. */
  readonly #line: WaitingLine;
  readonly #stop = new AbortController();
  /** Requests under way. */
  readonly #sending = new Set<Promise<unknown>>();
  #closing = false;
  /** Attempts and hand-overs under way. */
  readonly #busy = new Set<Promise<unknown>>();
  readonly #turn_ms: number;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#debts = new Debts({
      outbox: options.outbox,
      clock: options.surroundings.clock,
      onTrouble: (error) => this.#note(toFault(error), 'a page could not be kept'),
      onNext: (key) => {
        if (!this.#closing) this.#begin(key);
      },
    });
    this.#line = this.#debts.line;
    this.#turn_ms = options.turn_ms ?? turn_ms_default;
  }

  status(): DeliveryStatus {
    const { jobs } = this.#options;
    return { owed: this.#line.size, jobsKind: jobs.kind, jobs: jobs.status() };
  }

  /** Takes over what is owed and begins. Rejects when the job runner can never work (MR-6005), or the log cannot be read. */
  async start(): Promise<void> {
    const { jobs, lastResort } = this.#options;
    await this.#debts.takeOver();
    const handle = (attempt: JobAttempt): Promise<JobVerdict> => this.#onJob(attempt);
    await lastResort.start(handle);
    if (jobs !== lastResort) {
      await jobs.start(handle);
      const watching = this.#watchJobs();
      this.#hold(
        watching.catch((error: unknown) => this.#note(toFault(error), 'the job server is not watched')),
      );
    }
    for (const key of this.#line.keys()) this.#begin(key);
  }

  /** Resolves when the notification is kept as well as it can be; it is delivered in the background. */
  async tell(notification: Notification): Promise<void> {
    for (const { channel, disabled } of this.#options.notifiers) {
      if (disabled || this.#line.size >= owed_max) {
        this.#options.onResult(channel, 'failed');
        continue;
      }
      const key = await this.#debts.add({ channel, notification });
      if (key !== undefined) this.#begin(key);
    }
  }

  /** Waits up to `timeout_ms` for what can still be delivered. What remains stays in the outbox. */
  async close(timeout_ms: number): Promise<void> {
    const grace_ms = timeout_ms * lastAnswers;
    await this.#within(this.#line.empty(), timeout_ms - grace_ms);
    // An attempt that is cut off may have arrived, and would be repeated by the next monitor.
    this.#closing = true;
    await this.#within(Promise.all(this.#sending), grace_ms);
    this.#stop.abort();
    await Promise.all(this.#busy);
    await Promise.all([this.#options.jobs.close(0), this.#options.lastResort.close(0)]);
  }

  async #within(work: Promise<unknown>, timeout_ms: number): Promise<void> {
    const { clock } = this.#options.surroundings;
    const patience = new AbortController();
    await Promise.race([work, clock.sleep(timeout_ms, patience.signal)]);
    patience.abort();
  }

  /** The direct attempt. What it leaves undone becomes a job. */
  #begin(key: string): void {
    this.#hold(
      this.#attempt(key)
        .then((outcome) => this.#handOver(key, outcome))
        .catch((error: unknown) => this.#note(toFault(error), `${key} waits for a restart`)),
    );
  }

  #hold(work: Promise<void>): void {
    const held = work.finally(() => this.#busy.delete(held));
    this.#busy.add(held);
  }

  /** Until when at least a retry by the job server is waited for: `retries` were made before. */
  #expect(key: string, retries: number): void {
    const { retry, surroundings } = this.#options;
    const pause_ms = backoff_ms(retry.backoff, retries, 1);
    this.#line.expect(key, surroundings.clock.monotonic() + 2 * pause_ms + overdue_turns * this.#turn_ms);
  }

  /**
   * A pager must not depend on a job server: what is owed is retried here while that is away with the jobs for it, and when
   * it does not come back to one in time: it has lost the job, or a clock was set.
   */
  async #watchJobs(): Promise<void> {
    const { jobs, lastResort, retry, surroundings } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await surroundings.clock.sleep(this.#turn_ms, signal);
      const away = jobs.status().state === 'waiting';
      const now_ms = surroundings.clock.monotonic();
      for (const key of this.#line.keys()) {
        const owed = this.#line.get(key);
        if (!owed || signal.aborted || (!away && !this.#line.isOverdue(key, now_ms))) continue;
        const delay_ms = backoff_ms(retry.backoff, 0, surroundings.random());
        await this.#enqueue(lastResort, key, JSON.stringify(owed), delay_ms);
      }
    }
  }

  async #handOver(key: string, outcome: Outcome): Promise<void> {
    if (outcome === 'ended' || this.#closing) return;
    const owed = this.#line.get(key);
    if (!owed) return;
    const { jobs, lastResort, retry, surroundings } = this.#options;
    const data = JSON.stringify(owed);
    // Its turn comes from this process, or else when its predecessor was delivered by another: no job server need know.
    if (outcome === 'blocked') return this.#enqueue(lastResort, key, data, this.#turn_ms);
    const delay_ms = backoff_ms(retry.backoff, 0, surroundings.random());
    try {
      await this.#enqueue(jobs, key, data, delay_ms);
      this.#expect(key, 0);
    } catch (error) {
      const fault = toFault(error);
      this.#options.onFault(fault);
      if (jobs === lastResort) throw fault;
      await this.#enqueue(lastResort, key, data, delay_ms);
    }
  }

  async #enqueue(runner: JobRunner, id: string, data: string, delay_ms: number): Promise<void> {
    // Given up before a restart, when the outbox could not be written.
    if ((await runner.enqueue({ id, data, delay_ms })) === 'ended') await this.#debts.end(id);
  }

  async #onJob({ id, data, retries, last, signal }: JobAttempt): Promise<JobVerdict> {
    if (!(await this.#debts.isOwed(id, data))) return { kind: 'done' };
    const outcome = await this.#attempt(id, signal);
    if (outcome === 'ended') return { kind: 'done' };
    if (outcome === 'blocked') return { kind: 'later', in_ms: this.#turn_ms };
    // Not tried, or cut off: not an attempt.
    if (this.#closing) return { kind: 'later', in_ms: this.#turn_ms };
    if (!last) {
      this.#expect(id, retries + 1);
      return { kind: 'retry', reason: 'not delivered' };
    }
    const owed = this.#line.get(id);
    if (owed) this.#options.onResult(owed.channel, 'failed');
    await this.#debts.end(id);
    return { kind: 'drop', reason: 'not delivered within a day' };
  }

  /** One attempt, alone in its alert's lane. */
  #attempt(key: string, signal?: AbortSignal): Promise<Outcome> {
    const owed = this.#line.get(key);
    if (!owed) return Promise.resolve('ended');
    return this.#line.inTurn(key, async () => {
      if (this.#closing) return 'retry';
      if (!this.#line.has(key)) return 'ended';
      if (await this.#debts.isBlocked(key)) return 'blocked';
      using either = new JointSignal(this.#stop.signal, signal);
      return await this.#send(key, owed, either.signal);
    });
  }

  async #send(key: string, { channel, notification }: Owed, signal: AbortSignal): Promise<Outcome> {
    const { notifiers, onResult, surroundings } = this.#options;
    const notifier = notifiers.find((found) => found.channel === channel);
    // Its channel left the configuration, or was turned off.
    if (!notifier || notifier.disabled) {
      onResult(channel, 'failed');
      await this.#debts.end(key);
      return 'ended';
    }
    const sending = notifier.attempt(notification, signal);
    this.#sending.add(sending);
    const { result, reason } = await sending;
    this.#sending.delete(sending);
    if (result === 'retry' && this.#stop.signal.aborted) return 'retry';
    onResult(channel, result);
    if (result !== 'sent') {
      const fault = new Fault('MR-6001', { detail: `${channel} delivery ${notification.id}: ${reason}` });
      surroundings.logger.warn({ code: fault.code }, fault.message);
    }
    if (result === 'retry') return 'retry';
    await this.#debts.end(key);
    return 'ended';
  }

  #note(fault: Fault, what: string): void {
    this.#options.onFault(fault);
    this.#options.surroundings.logger.warn({ code: fault.code }, `${what}: ${fault.detail}`);
  }
}
