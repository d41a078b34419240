import {
  type Cancelled,
  checkJob,
  concurrency_default,
  type Enqueued,
  type JobHandler,
  type JobRunner,
  type JobRunnerStatus,
  type NewJob,
  type RetryPolicy,
  remembered_max,
  rememberedFor_ms,
  waiting_max_default,
} from '@millrace/jobs';
import {
  type BackoffPolicy,
  backoff_ms,
  type Clock,
  Fault,
  JointSignal,
  type Surroundings,
} from '@millrace/runtime';
import { Attempts } from './attempts.js';
import { bounded } from './bounded.js';
import { type BullQueue, type BullServer, retryType } from './bull-server.js';
import { BullSession } from './bull-session.js';
import { bullId } from './job-id.js';
import { serverFault } from './server-fault.js';

export interface BullJobsOptions {
  readonly server: BullServer;
  /** Shared by all runners of these jobs: letters, digits, "." and "-". */
  readonly queueName: string;
  readonly retry: RetryPolicy;
  readonly surroundings: Surroundings;
  readonly concurrency?: number;
  readonly waiting_max?: number;
  /** How long a dead worker keeps its jobs. */
  readonly lock_ms?: number;
}

/** An attempt's lock is renewed every half of it. */
const lock_ms_default = 10_000;
const probe_ms = 2_000;
const answer_ms_max = 4_000;
/** The first connection: what callers wait for before they are told that it is not there. */
const first_ms_max = 3_000;
/** BullMQ gets so long to heal its connections; then the session is made anew. */
const lost_ms_max = 10_000;
const reopen: BackoffPolicy = { first_ms: 200, max_ms: 2_000, factor: 2 };
/** After an abort, handlers end within this time or are left behind. */
const aborted_ms_max = 1_000;

const keep = { age: rememberedFor_ms / 1_000, count: remembered_max };

type State =
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready'; readonly session: BullSession; readonly waiting: number }
  | { readonly kind: 'waiting'; readonly fault: Fault }
  | { readonly kind: 'closed' };

/** Jobs on a server through BullMQ. One state for all that can be wrong with the server; it heals without a restart. */
export class BullJobs implements JobRunner {
  readonly kind: string;
  readonly durable = true;
  readonly #options: BullJobsOptions;
  readonly #stop = new AbortController();
  #state: State = { kind: 'starting' };
  #life: Promise<void> | undefined;
  /** The first connection has been made, or has failed. */
  readonly #first: Promise<Fault | undefined>;
  #tellFirst: (fault: Fault | undefined) => void = () => undefined;
  /** No attempt needs the connections any more. */
  readonly #drained: Promise<void>;
  #tellDrained: () => void = () => undefined;
  #closing: Promise<void> | undefined;
  #probeNow: AbortController | undefined;
  #attempts: Attempts | undefined;
  #lastError: Error | undefined;

  constructor(options: BullJobsOptions) {
    this.#options = options;
    this.kind = options.server.kind;
    this.#first = new Promise((resolve) => {
      this.#tellFirst = resolve;
    });
    this.#drained = new Promise((resolve) => {
      this.#tellDrained = resolve;
    });
  }

  async start(handler: JobHandler): Promise<void> {
    const { retry, surroundings } = this.#options;
    this.#attempts = new Attempts({
      retry,
      handler,
      surroundings,
      closing: () => this.#stop.signal.aborted,
    });
    const state = this.#state;
    if (state.kind === 'ready') await state.session.work(this.#attempts.process);
    const fault = await this.#begun();
    if (fault?.entry.policy === 'exit') throw fault;
  }

  async enqueue(job: NewJob): Promise<Enqueued> {
    checkJob(job);
    const { retry, waiting_max = waiting_max_default } = this.#options;
    return this.#ask(async (queue) => {
      const id = bullId(job.id);
      const state = await queue.getJobState(id);
      if (state === 'completed' || state === 'failed') return 'ended';
      if (state !== 'unknown') return 'waiting';
      if ((await countOf(queue)) >= waiting_max)
        throw new Fault('MR-6006', { detail: `${waiting_max} jobs wait already` });
      await queue.add(
        'job',
        { payload: job.data },
        {
          jobId: id,
          delay: job.delay_ms ?? 0,
          attempts: retry.attempts_max,
          backoff: { type: retryType },
          removeOnComplete: keep,
          removeOnFail: keep,
          stackTraceLimit: 1,
        },
      );
      return 'added';
    });
  }

  async cancel(id: string): Promise<Cancelled> {
    return this.#ask(async (queue) => {
      const job = await queue.getJob(bullId(id));
      const state = job ? await job.getState() : 'unknown';
      if (!job || state === 'unknown' || state === 'completed' || state === 'failed') return 'unknown';
      // Removing fails when a worker was quicker, here or elsewhere.
      if (state !== 'active' && (await queue.remove(bullId(id))) === 1) return 'cancelled';
      await job.updateData({ ...job.data, cancelled: true });
      this.#attempts?.abort(bullId(id));
      return 'ending';
    });
  }

  status(): JobRunnerStatus {
    const state = this.#state;
    switch (state.kind) {
      case 'ready':
        return { state: 'ready', waiting: state.waiting };
      case 'waiting':
        return { state: 'waiting', fault: state.fault };
      default:
        return { state: state.kind };
    }
  }

  close(timeout_ms: number): Promise<void> {
    this.#closing ??= this.#end(timeout_ms);
    return this.#closing;
  }

  /** Attempts first, connections last: a verdict needs its connection. */
  async #end(timeout_ms: number): Promise<void> {
    const { clock } = this.#options.surroundings;
    const before = this.#state;
    this.#state = { kind: 'closed' };
    this.#stop.abort();
    if (before.kind === 'ready') void before.session.pause();
    const attempts = this.#attempts;
    if (attempts && attempts.underWay > 0) {
      await within(attempts.idle(), timeout_ms, clock);
      attempts.abortAll();
      await within(attempts.idle(), aborted_ms_max, clock);
    }
    this.#tellDrained();
    await this.#life;
  }

  /** Runs what asks the server, bounded in time; its failures are faults, and a reason to look at the server at once. */
  async #ask<T>(question: (queue: BullQueue) => Promise<T>): Promise<T> {
    const { server } = this.#options;
    await this.#begun();
    const state = this.#state;
    if (state.kind === 'closed') throw new Fault('MR-6003', { detail: 'the job runner is closed' });
    if (state.kind === 'waiting') throw state.fault;
    if (state.kind === 'starting')
      throw new Fault('MR-6003', { detail: `${server.where}: not connected yet` });
    try {
      return await this.#bounded(question(state.session.queue));
    } catch (error) {
      this.#probeNow?.abort();
      throw serverFault(error, server.where);
    }
  }

  /** The outcome of the first connection, if it is there in time. */
  async #begun(): Promise<Fault | undefined> {
    if (!this.#stop.signal.aborted) this.#life ??= this.#live();
    const { clock } = this.#options.surroundings;
    const patience = new AbortController();
    const fault = await Promise.race([
      this.#first,
      clock.sleep(first_ms_max, patience.signal).then(() => undefined),
    ]);
    patience.abort();
    return fault;
  }

  /** Sessions one after the other until closed. Never rejects. */
  async #live(): Promise<void> {
    const { surroundings, server } = this.#options;
    const { signal } = this.#stop;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const session = await this.#open();
      if (session) {
        attempt = 0;
        this.#tellFirst(undefined);
        await this.#watch(session);
        if (signal.aborted) await this.#drained;
        await session.close(this.#idle);
      }
      const state = this.#state;
      this.#tellFirst(state.kind === 'waiting' ? state.fault : undefined);
      if (signal.aborted) break;
      await surroundings.clock.sleep(backoff_ms(reopen, attempt, surroundings.random()), signal);
    }
    surroundings.logger.debug({ server: server.where }, 'the job runner has ended');
  }

  /** A session that answers, or the state that says why not. */
  async #open(): Promise<BullSession | undefined> {
    const { server, queueName, concurrency = concurrency_default, lock_ms = lock_ms_default } = this.#options;
    let session: BullSession | undefined;
    try {
      await this.#bounded(server.prepare(), 2 * answer_ms_max);
      if (this.#stop.signal.aborted) return undefined;
      session = new BullSession({
        server,
        queueName,
        settings: { concurrency, lock_ms },
        onError: (error) => this.#onError(error),
      });
      await this.#bounded(session.ready());
      const waiting = await this.#bounded(countOf(session.queue));
      if (this.#attempts) await this.#bounded(session.work(this.#attempts.process));
      this.#turn({ kind: 'ready', session, waiting });
      return session;
    } catch (error) {
      this.#turn({ kind: 'waiting', fault: serverFault(error, server.where) });
      await session?.close(this.#idle);
      return undefined;
    }
  }

  /** Asks again and again; returns when closed, or when the server has not answered for too long. */
  async #watch(session: BullSession): Promise<void> {
    const { server, surroundings } = this.#options;
    const { clock } = surroundings;
    const { signal } = this.#stop;
    let answered_ms = clock.monotonic();
    while (!signal.aborted && clock.monotonic() - answered_ms < lost_ms_max) {
      this.#probeNow = new AbortController();
      await this.#pause(clock, signal, this.#probeNow.signal);
      if (signal.aborted) return;
      try {
        const waiting = await this.#bounded(countOf(session.queue));
        answered_ms = clock.monotonic();
        this.#turn({ kind: 'ready', session, waiting });
      } catch (error) {
        this.#turn({ kind: 'waiting', fault: serverFault(this.#lastError ?? error, server.where) });
        this.#lastError = undefined;
      }
    }
  }

  /** Until the next probe. */
  async #pause(clock: Clock, signal: AbortSignal, probeNow: AbortSignal): Promise<void> {
    using either = new JointSignal(signal, probeNow);
    await clock.sleep(probe_ms, either.signal);
  }

  /** BullMQ's connections fail in the background: the next probe tells whether it matters. */
  #onError(error: Error): void {
    this.#lastError = error;
    if (this.#state.kind === 'ready') this.#probeNow?.abort();
  }

  /** Promise 10: every turn for the worse or the better stands in the log, once. */
  #turn(next: State): void {
    const before = this.#state;
    if (before.kind === 'closed') return;
    this.#state = next;
    const { logger } = this.#options.surroundings;
    const known = before.kind === 'waiting' ? before.fault : undefined;
    if (next.kind === 'waiting' && known?.code !== next.fault.code)
      logger.warn({ code: next.fault.code }, `background jobs wait: ${next.fault.detail}`);
    if (next.kind === 'ready' && known) logger.info({}, 'background jobs go on');
  }

  #bounded<T>(work: Promise<T>, timeout_ms = answer_ms_max): Promise<T> {
    const { where } = this.#options.server;
    return bounded(work, { timeout_ms, where, signal: this.#stop.signal });
  }

  get #idle(): boolean {
    return (this.#attempts?.underWay ?? 0) === 0;
  }
}

async function within(work: Promise<void>, timeout_ms: number, clock: Clock): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work, clock.sleep(timeout_ms, patience.signal)]);
  patience.abort();
}

/** Jobs that wait or run. */
async function countOf(queue: BullQueue): Promise<number> {
  const counts = await queue.getJobCounts('waiting', 'delayed', 'active');
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
