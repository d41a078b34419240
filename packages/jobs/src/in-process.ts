import { Fault, type Surroundings, toFault } from '@millrace/runtime';
import { EndedIds } from './ended-ids.js';
import type { JobStore, StoredJob } from './job-store.js';
import { checkJob, isLast, nextStep, verdictOf } from './next-step.js';
import {
  type Cancelled,
  concurrency_default,
  type Enqueued,
  type JobHandler,
  type JobRunner,
  type JobRunnerStatus,
  type JobVerdict,
  type NewJob,
  type RetryPolicy,
  waiting_max_default,
} from './port.js';
import { Slots } from './slots.js';

export interface InProcessOptions {
  readonly retry: RetryPolicy;
  readonly surroundings: Surroundings;
  /** Absent: jobs end with the process. */
  readonly store?: JobStore;
  readonly concurrency?: number;
  readonly waiting_max?: number;
}

/** A job in hand. */
interface Held {
  job: StoredJob;
  /** Monotonic clock, ms: a wall clock that jumps makes nobody wait longer. */
  due_ms: number;
  /** Ends its waiting or its attempt. */
  readonly stop: AbortController;
  running: boolean;
  cancelled: boolean;
}

/** The reference: jobs in the memory of one process, and in a store if there is one. */
export class InProcessJobs implements JobRunner {
  readonly kind = 'in_process';
  readonly durable: boolean;
  readonly #options: InProcessOptions;
  readonly #held = new Map<string, Held>();
  readonly #ended = new EndedIds();
  readonly #slots: Slots;
  readonly #lives = new Set<Promise<void>>();
  #loading: Promise<void> | undefined;
  #handler: JobHandler | undefined;
  #closing = false;

  constructor(options: InProcessOptions) {
    this.#options = options;
    this.durable = options.store !== undefined;
    this.#slots = new Slots(options.concurrency ?? concurrency_default);
  }

  async start(handler: JobHandler): Promise<void> {
    await this.#load();
    this.#handler = handler;
    for (const held of this.#held.values()) this.#begin(held);
  }

  async enqueue(job: NewJob): Promise<Enqueued> {
    checkJob(job);
    await this.#load();
    if (this.#closing) throw new Fault('MR-6003', { detail: 'the job runner is closed' });
    if (this.#held.has(job.id)) return 'waiting';
    const now_ms = this.#options.surroundings.clock.now();
    if (this.#ended.has(job.id, now_ms)) return 'ended';
    const waiting_max = this.#options.waiting_max ?? waiting_max_default;
    if (this.#held.size >= waiting_max)
      throw new Fault('MR-6006', { detail: `${waiting_max} jobs wait already` });
    const stored = { id: job.id, data: job.data, retries: 0, due_ms: now_ms + (job.delay_ms ?? 0) };
    const held = this.#hold(stored, job.delay_ms ?? 0);
    this.#held.set(job.id, held);
    try {
      await this.#options.store?.put(stored);
    } catch (error) {
      this.#held.delete(job.id);
      throw error;
    }
    if (this.#handler) this.#begin(held);
    return 'added';
  }

  async cancel(id: string): Promise<Cancelled> {
    await this.#load();
    const held = this.#held.get(id);
    if (!held) return 'unknown';
    held.cancelled = true;
    held.stop.abort();
    if (held.running) return 'ending';
    await this.#end(held);
    return 'cancelled';
  }

  status(): JobRunnerStatus {
    const state = this.#closing ? 'closed' : this.#handler ? 'ready' : 'starting';
    return { state, waiting: this.#held.size };
  }

  async close(timeout_ms: number): Promise<void> {
    this.#closing = true;
    const { clock } = this.#options.surroundings;
    for (const { running, stop } of this.#held.values()) if (!running) stop.abort();
    const patience = new AbortController();
    await Promise.race([Promise.all(this.#lives), clock.sleep(timeout_ms, patience.signal)]);
    patience.abort();
    for (const { stop } of this.#held.values()) stop.abort();
    await Promise.all(this.#lives);
  }

  /** Once, and again only after it failed. */
  #load(): Promise<void> {
    this.#loading ??= this.#readStore().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #readStore(): Promise<void> {
    const jobs = (await this.#options.store?.load()) ?? [];
    const { clock } = this.#options.surroundings;
    // Whatever the wall clock did in between, nobody waits longer than a pause.
    const longest_ms = this.#options.retry.backoff.max_ms;
    for (const job of [...jobs].sort((a, b) => (a.ended_ms ?? 0) - (b.ended_ms ?? 0))) {
      if (job.ended_ms === undefined)
        this.#held.set(job.id, this.#hold(job, Math.min(job.due_ms - clock.now(), longest_ms)));
      else await this.#forget(this.#ended.add(job.id, clock.now()));
    }
  }

  #hold(job: StoredJob, in_ms: number): Held {
    const due_ms = this.#options.surroundings.clock.monotonic() + in_ms;
    return { job, due_ms, stop: new AbortController(), running: false, cancelled: false };
  }

  #begin(held: Held): void {
    const life = this.#live(held).finally(() => this.#lives.delete(life));
    this.#lives.add(life);
  }

  /** A job from now until its end, or until the runner closes. Never rejects. */
  async #live(held: Held): Promise<void> {
    const { signal } = held.stop;
    while (!signal.aborted && !this.#closing) {
      if (!(await this.#untilDue(held)) || !(await this.#slots.take(signal))) return;
      try {
        if (!signal.aborted && !this.#closing && (await this.#attempt(held)) === 'ended') return;
      } finally {
        this.#slots.give();
      }
    }
  }

  async #untilDue(held: Held): Promise<boolean> {
    const { clock } = this.#options.surroundings;
    const { signal } = held.stop;
    const wait_ms = held.due_ms - clock.monotonic();
    if (wait_ms > 0) await clock.sleep(wait_ms, signal);
    return !signal.aborted;
  }

  async #attempt(held: Held): Promise<'ended' | 'again'> {
    const { retry, surroundings } = this.#options;
    held.running = true;
    const verdict = await this.#verdict(held);
    held.running = false;
    if (held.cancelled) return this.#end(held);
    // Closed in the middle of it: the attempt does not count, the next runner repeats it.
    if (this.#closing && held.stop.signal.aborted && verdict.kind !== 'done' && verdict.kind !== 'drop')
      return 'again';
    const step = nextStep(verdict, held.job.retries, retry, surroundings.random());
    if (step.kind === 'end') {
      if (step.failed) this.#say(held, step.reason ?? 'refused');
      return this.#end(held);
    }
    const { clock } = surroundings;
    held.due_ms = clock.monotonic() + step.in_ms;
    held.job = { ...held.job, retries: step.retries, due_ms: clock.now() + step.in_ms };
    await this.#keep(() => this.#options.store?.put(held.job));
    return 'again';
  }

  async #verdict({ job, stop }: Held): Promise<JobVerdict> {
    const { id, data, retries } = job;
    const last = isLast(retries, this.#options.retry);
    try {
      const handler = this.#handler as JobHandler;
      return await handler({ id, data, retries, last, signal: stop.signal });
    } catch (error) {
      return verdictOf(error);
    }
  }

  async #end(held: Held): Promise<'ended'> {
    const { id } = held.job;
    this.#held.delete(id);
    const ended_ms = this.#options.surroundings.clock.now();
    const forgotten = this.#ended.add(id, ended_ms);
    await this.#keep(() => this.#options.store?.put({ ...held.job, data: '', ended_ms }));
    await this.#forget(forgotten);
    return 'ended';
  }

  async #forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#keep(() => this.#options.store?.delete(id));
  }

  /** What is in memory is right; a store that fails now at worst repeats an attempt after a restart. */
  async #keep(write: () => Promise<void> | undefined): Promise<void> {
    try {
      await write();
    } catch (error) {
      const { code, detail } = toFault(error);
      this.#options.surroundings.logger.warn({ code }, `a job’s state could not be kept: ${detail}`);
    }
  }

  #say({ job }: Held, reason: string): void {
    this.#options.surroundings.logger.warn({ code: 'MR-6007', job: job.id }, `the job has failed: ${reason}`);
  }
}
