import { InProcessJobs, type JobRunner, type RetryPolicy } from '@millrace/jobs';
import type { Log } from '@millrace/log';
import { type Fault, type Service, type Surroundings, toFault } from '@millrace/runtime';
import { AlertBook, type AlertEvent, type AlertStore } from './alerts/alert-book.js';
import { conditionsOf } from './alerts/conditions.js';
import { Delivery, deliveryRetry } from './delivery/delivery.js';
import type { Notifier } from './delivery/notifier.js';
import type { Outbox } from './delivery/outbox.js';
import { type HttpServer, json, type ListenAddress, listen, type Routes, text } from './face/http-server.js';
import { Metrics } from './face/metrics.js';
import { type StatusReport, statusOf } from './face/status.js';
import type { Instant } from './instant.js';
import { type PageLinks, pageOf } from './pages/page.js';
import { PatientWrites } from './patience.js';
import type { LeaderProbe } from './samples/leader-probe.js';
import { type LogStorage, Sampler } from './samples/sample.js';
import { answer_ms_max } from './samples/side.js';
import type { Budget } from './verdict/budget.js';
import { Judge, type Verdict } from './verdict/verdict.js';

export interface MonitorOptions {
  readonly pipeline: string;
  /** `production`, `staging`: part of every page and dedup key. */
  readonly environment: string;
  readonly version: string;
  /** Configured names; one that never reported shows with unknown lag. */
  readonly followers: readonly string[];
  readonly leader: LeaderProbe;
  readonly log: Log;
  readonly storage?: () => Promise<LogStorage | undefined>;
  readonly budgets: readonly Budget[];
  readonly sample_ms: number;
  /** Absent: no HTTP. */
  readonly listen?: ListenAddress;
  readonly notifiers: readonly Notifier[];
  readonly alerts: AlertStore;
  readonly outbox: Outbox;
  /** Runs the retries of pages; the monitor closes it. Absent: inside this process. */
  readonly jobs?: JobRunner;
  /** Of pages; those of `jobs` are its own. */
  readonly retry?: RetryPolicy;
  readonly links: PageLinks;
  readonly surroundings: Surroundings;
  /** Called after every sample: live displays. */
  readonly onVerdict?: (verdict: Verdict) => void;
}

export interface Monitor extends Service {
  /** The last status; undefined before the first sample. */
  status(): StatusReport | undefined;
  /** Port it listens on; undefined while it does not. */
  port(): number | undefined;
}

/** The loop counts as alive this long after its last sample began. */
const alive_samples = 5;
/** Both sides of a sample may hang, one after the other. */
const alive_ms_min = 2 * answer_ms_max + 4_000;
/** Of the five seconds in which a service stops, what undelivered pages get. */
const closing_ms = 2_000;

/** Measures, compares with budgets, pages once, and answers over HTTP. Of the log it writes its alerts and outbox only; it owns `leader` and closes it. */
export function createMonitor(options: MonitorOptions): Monitor {
  return new LagMonitor(options);
}

class LagMonitor implements Monitor {
  readonly #options: MonitorOptions;
  readonly #judge: Judge;
  readonly #sampler: Sampler;
  readonly #book = new AlertBook();
  readonly #metrics: Metrics;
  readonly #delivery: Delivery;
  readonly #alertWrites: PatientWrites;
  #server: HttpServer | undefined;
  #verdict: Verdict | undefined;
  #beat_ms = 0;
  readonly #toldFaults = new Map<string, string>();

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#judge = new Judge(options.budgets, options.followers);
    this.#sampler = new Sampler({
      leader: options.leader,
      log: options.log,
      ...(options.storage && { storage: options.storage }),
      clock: options.surroundings.clock,
    });
    this.#metrics = new Metrics(options.pipeline, options.version);
    this.#delivery = this.#makeDelivery();
    this.#alertWrites = new PatientWrites({
      clock: options.surroundings.clock,
      onTrouble: (error) => this.#noteUnkept(toFault(error)),
    });
  }

  status(): StatusReport | undefined {
    const { pipeline, environment } = this.#options;
    const pages = this.#delivery.status();
    return this.#verdict && statusOf(this.#verdict, { pipeline, environment, alerts: this.#book, pages });
  }

  port(): number | undefined {
    return this.#server?.port;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { alerts, leader, surroundings } = this.#options;
    try {
      this.#beat_ms = surroundings.clock.monotonic();
      if (this.#options.listen) {
        this.#server = await listen(this.#options.listen, this.#routes());
        const { host } = this.#options.listen;
        surroundings.logger.info({ host, port: this.#server.port }, 'the monitor listens');
      }
      this.#book.restore(await alerts.load(), this.#now());
      await this.#delivery.start();
      await this.#loop(signal);
    } finally {
      await Promise.allSettled([this.#server?.close(), leader.close(), this.#delivery.close(closing_ms)]);
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.surroundings;
    while (!signal.aborted) {
      const began_ms = clock.monotonic();
      this.#beat_ms = began_ms;
      await this.#sampleOnce(signal);
      const left_ms = this.#options.sample_ms - (clock.monotonic() - began_ms);
      await clock.sleep(Math.max(left_ms, this.#options.sample_ms / 10), signal);
    }
  }

  async #sampleOnce(signal: AbortSignal): Promise<void> {
    const sample = await this.#sampler.take(() => this.#now(), signal);
    if (signal.aborted) return;
    const verdict = this.#judge.verdict(sample);
    this.#verdict = verdict;
    this.#countFaults(verdict);
    const conditions = conditionsOf(verdict, this.#options.sample_ms, (key) => this.#book.firing(key));
    for (const event of this.#book.evaluate(conditions, verdict.sample.at)) await this.#tell(event, verdict);
    this.#options.onVerdict?.(verdict);
  }

  /**
   * The page goes into the outbox and on its way, then the alert's state is kept: a monitor killed in between pages a
   * second time, rather than never. Its successor dates the breach anew, so that page has the same `dedup_key`, but another id.
   * A log that cannot be written, or hangs, must not keep a page from being sent: a full disk is what one is paged for.
   */
  async #tell(event: AlertEvent, verdict: Verdict): Promise<void> {
    const { environment, links, pipeline, surroundings, alerts } = this.#options;
    const { condition, since, say } = event;
    const fields = pageOf(event, verdict, { environment, pipeline, links });
    const log = { alert: condition.key, severity: condition.severity, lag_bytes: fields.lag_bytes };
    if (say === 'resolved') surroundings.logger.info(log, fields.title);
    else surroundings.logger.warn(log, fields.title);
    if (condition.severity === 'page')
      await this.#delivery.tell({ id: `${fields.dedup_key}/${since.wall_ms}/${fields.type}`, fields });
    const stored = this.#book.stored(condition.key);
    await this.#alertWrites.write(condition.key, () => alerts.save(condition.key, stored));
  }

  #noteUnkept(fault: Fault): void {
    this.#metrics.failed(fault.code);
    this.#options.surroundings.logger.warn(
      { code: fault.code },
      `an alert’s state could not be kept: ${fault.detail}`,
    );
  }

  #makeDelivery(): Delivery {
    const { notifiers, outbox, surroundings, retry = deliveryRetry } = this.#options;
    const lastResort = new InProcessJobs({ retry, surroundings });
    return new Delivery({
      notifiers,
      outbox,
      jobs: this.#options.jobs ?? lastResort,
      lastResort,
      retry,
      surroundings,
      onResult: (channel, result) => this.#metrics.notified(channel, result),
      onFault: ({ code }) => this.#metrics.failed(code),
    });
  }

  #countFaults(verdict: Verdict): void {
    const { leader, log } = verdict.sample;
    for (const side of [leader, log]) if (!side.ok) this.#metrics.failed(side.fault.code);
    for (const { edge, note } of [verdict.capture, ...verdict.followers]) {
      const told = note?.fault ? `${note.fault.code}@${note.since_ms}` : '';
      if (note?.fault && this.#toldFaults.get(edge) !== told) this.#metrics.failed(note.fault.code);
      this.#toldFaults.set(edge, told);
    }
  }

  #routes(): Routes {
    return {
      '/metrics': async () => ({
        status: 200,
        contentType: this.#metrics.contentType,
        body: await this.#metrics.render(this.#verdict),
      }),
      '/status': () => {
        const status = this.status();
        return status ? json(200, status) : json(503, { error: 'nothing measured yet' });
      },
      // Liveness is the loop's heartbeat alone: a lag, or a leader that is down, is no reason to restart the monitor.
      '/healthz': () => (this.#alive() ? text(200, 'ok\n') : text(503, 'the sampling loop stands still\n')),
    };
  }

  #alive(): boolean {
    const { clock } = this.#options.surroundings;
    return (
      clock.monotonic() - this.#beat_ms < Math.max(alive_ms_min, alive_samples * this.#options.sample_ms)
    );
  }

  #now(): Instant {
    const { clock } = this.#options.surroundings;
    return { monotonic_ms: clock.monotonic(), wall_ms: clock.now() };
  }
}
