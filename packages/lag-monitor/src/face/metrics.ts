import { Counter, Gauge, Registry } from 'prom-client';
import type { DeliveryResult } from '../delivery/notifier.js';
import type { EdgeView, Verdict } from '../verdict/verdict.js';
import { serviceMetrics } from './service-metrics.js';

const serviceStates = [
  'unknown',
  'unregistered',
  'starting',
  'waiting',
  'building',
  'running',
  'exact',
  'diverged',
  'stopped',
];
const walStatuses = ['reserved', 'extended', 'unreserved', 'lost'];

/**
 * The series Prometheus scrapes. Built anew from the last verdict at each scrape: what is unknown is absent, never 0
 * and never the last known value. Labels are bounded by the configuration: no positions, texts or addresses.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #gauges: ReturnType<typeof makeGauges>;
  readonly #notifications: Counter<'pipeline' | 'channel' | 'result'>;
  readonly #errors: Counter<'pipeline' | 'code'>;
  readonly #pipeline: string;

  constructor(pipeline: string, version: string) {
    this.#pipeline = pipeline;
    const registers = [this.#registry];
    this.#gauges = makeGauges(registers);
    this.#notifications = new Counter({
      name: 'millrace_notifications_total',
      help: 'Attempts to deliver a page or a resolve, by outcome.',
      labelNames: ['pipeline', 'channel', 'result'],
      registers,
    });
    this.#errors = new Counter({
      name: 'millrace_errors_total',
      help: 'Faults met by the monitor or first told by a service, by code.',
      labelNames: ['pipeline', 'code'],
      registers,
    });
    this.#gauges.buildInfo.set({ version }, 1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  notified(channel: string, result: DeliveryResult): void {
    this.#notifications.inc({ pipeline: this.#pipeline, channel, result });
  }

  failed(code: string): void {
    this.#errors.inc({ pipeline: this.#pipeline, code });
  }

  /** Prometheus' text format. */
  async render(verdict: Verdict | undefined): Promise<string> {
    if (verdict) this.#fill(verdict);
    const own = await this.#registry.metrics();
    return verdict ? own + serviceMetrics(this.#pipeline, verdict) : own;
  }

  #fill(verdict: Verdict): void {
    const { buildInfo: _, ...gauges } = this.#gauges;
    for (const gauge of Object.values(gauges)) gauge.reset();
    const pipeline = this.#pipeline;
    gauges.sampleTime.set({ pipeline }, verdict.sample.at.wall_ms / 1_000);
    this.#fillSlot(verdict);
    if (verdict.captureLag_bytes !== undefined)
      gauges.lag.set({ pipeline, follower: '', stage: 'capture' }, verdict.captureLag_bytes);
    this.#fillEdge(verdict.capture, '', 'log');
    for (const edge of verdict.followers) this.#fillEdge(edge, edge.edge, 'apply');
  }

  #fillEdge(edge: EdgeView, follower: string, stage: 'log' | 'apply'): void {
    const pipeline = this.#pipeline;
    const gauges = this.#gauges;
    const labels = { pipeline, follower, stage };
    if (edge.lag_bytes !== undefined) gauges.lag.set(labels, edge.lag_bytes);
    if (edge.growth_bps !== undefined) gauges.growth.set(labels, edge.growth_bps);
    for (const { resource, seconds } of edge.deadlines) gauges.deadline.set({ ...labels, resource }, seconds);
    if (edge.budget) {
      gauges.budget.set({ ...labels, severity: 'warn' }, edge.budget.warn_bytes);
      gauges.budget.set({ ...labels, severity: 'page' }, edge.budget.page_bytes);
    }
    if (edge.lastCommit_s !== undefined) gauges.lastApplied.set(labels, edge.lastCommit_s);
    for (const state of serviceStates) gauges.state.set({ ...labels, state }, edge.state === state ? 1 : 0);
  }

  #fillSlot(verdict: Verdict): void {
    if (!verdict.sample.leader.ok) return;
    const pipeline = this.#pipeline;
    const gauges = this.#gauges;
    const { slot } = verdict.sample.leader.value;
    gauges.slotActive.set({ pipeline }, slot?.active ? 1 : 0);
    if (verdict.slotRetained_bytes !== undefined)
      gauges.slotRetained.set({ pipeline }, verdict.slotRetained_bytes);
    if (slot?.safeWal_bytes !== undefined) gauges.slotSafe.set({ pipeline }, slot.safeWal_bytes);
    if (slot?.walStatus !== undefined)
      for (const status of walStatuses)
        gauges.slotWalStatus.set({ pipeline, status }, slot.walStatus === status ? 1 : 0);
  }
}

function makeGauges(registers: Registry[]) {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames: [...labelNames], registers });
  const edge = ['pipeline', 'follower', 'stage'] as const;
  return {
    lag: gauge('millrace_lag_bytes', 'Bytes of leader WAL between the leader and this stage.', edge),
    budget: gauge('millrace_lag_budget_bytes', 'The lag at which one is warned or paged.', [
      ...edge,
      'severity',
    ]),
    growth: gauge(
      'millrace_lag_growth_bytes_per_second',
      'How fast the lag grows; negative when it shrinks.',
      edge,
    ),
    deadline: gauge('millrace_deadline_seconds', 'Until the resource is spent at the present rate.', [
      ...edge,
      'resource',
    ]),
    lastApplied: gauge(
      'millrace_last_applied_commit_timestamp_seconds',
      'Commit time on the leader of the newest commit that has arrived here.',
      edge,
    ),
    sampleTime: gauge('millrace_last_sample_timestamp_seconds', 'When the monitor last measured.', [
      'pipeline',
    ]),
    slotRetained: gauge('millrace_slot_retained_bytes', 'WAL the leader keeps for the slot.', ['pipeline']),
    slotSafe: gauge(
      'millrace_slot_safe_wal_bytes',
      'WAL the leader may still write before it drops the slot.',
      ['pipeline'],
    ),
    slotActive: gauge('millrace_slot_active', '1 while capture holds the slot.', ['pipeline']),
    slotWalStatus: gauge('millrace_slot_wal_status', 'One series per status; 1 for the present one.', [
      'pipeline',
      'status',
    ]),
    state: gauge('millrace_state', 'One series per state; 1 for the present one.', [...edge, 'state']),
    buildInfo: gauge('millrace_build_info', 'Always 1; the version is a label.', ['version']),
  };
}
