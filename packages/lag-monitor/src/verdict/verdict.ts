import type { FollowerReport } from '@millrace/log';
import { type Lsn, lsnZero, type Position } from '@millrace/model';
import { type ServiceNote, silentAfter_ms } from '../board/service-board.js';
import type { Sample } from '../samples/sample.js';
import { type Budget, budgetOf, budgetOfCapture } from './budget.js';
import { type Deadline, nearestDeadline } from './deadline.js';
import { blamesCapture, endAfterForks, lagOfFollower, lagOfLog } from './lag.js';
import { RateWindow } from './rate-window.js';

/** An edge is where bytes wait: `capture` (leader to log), or a follower's name (log to follower). */
export interface EdgeView {
  readonly edge: string;
  readonly kind: 'capture' | 'follower';
  readonly position: Position | undefined;
  /** `unknown` where its service is silent: what that said last need not be so any more. */
  readonly state: string;
  /** Leader's position minus this edge's. */
  readonly lag_bytes: number | undefined;
  /** The part that this edge itself answers for: what its alert compares with the budget. */
  readonly charged_bytes: number | undefined;
  readonly budget: Budget | undefined;
  /** Bytes of leader WAL per second: written by the leader, passed by this edge, and the difference. */
  readonly in_bps: number | undefined;
  readonly out_bps: number | undefined;
  readonly growth_bps: number | undefined;
  readonly deadlines: readonly Deadline[];
  /** Age of the oldest commit that is missing here; 0 when none is. */
  readonly staleness_s: number | undefined;
  readonly lastCommit_s: number | undefined;
  readonly reportedAt_ms: number | undefined;
  readonly tablesBuilding: readonly string[];
  /** Its first copy, or a new one, is being made: it is behind by design until that is complete. */
  readonly building: boolean;
  readonly note: ServiceNote | undefined;
  /** The service was running and has not been heard of for a while. */
  readonly silent: boolean;
}

/** The whole pipeline at one sample, ready for pages, metrics and status alike. */
export interface Verdict {
  readonly sample: Sample;
  readonly capture: EdgeView;
  readonly followers: readonly EdgeView[];
  /** Leader's position minus what capture has received. */
  readonly captureLag_bytes: number | undefined;
  readonly slotRetained_bytes: number | undefined;
}

interface EdgeRates {
  readonly moved: RateWindow;
  readonly lag: RateWindow;
}

/** Turns samples into verdicts. Holds nothing but the windows that rates need. */
export class Judge {
  readonly #budgets: readonly Budget[];
  readonly #followers: readonly string[];
  readonly #leaderRate = new RateWindow();
  readonly #storageRate = new RateWindow();
  readonly #rates = new Map<string, EdgeRates>();

  /** `followers`: the configured names; one that never reported is shown with unknown lag, not left out. */
  constructor(budgets: readonly Budget[], followers: readonly string[]) {
    this.#budgets = budgets;
    this.#followers = followers;
  }

  verdict(sample: Sample): Verdict {
    const leader = sample.leader.ok ? sample.leader.value : undefined;
    const log = sample.log.ok ? sample.log.value : undefined;
    const at_ms = sample.at.monotonic_ms;
    if (leader) this.#leaderRate.add(at_ms, leader.position);
    if (log?.storage) this.#storageRate.add(at_ms, BigInt(log.storage.used_bytes));
    const inputs = {
      leader: leader?.position,
      head: log?.chain.head,
      forks: log?.chain.forks ?? [],
    };
    const log_bytes = lagOfLog(inputs);
    const views = this.#followers.map((name) => {
      const report = log?.reports.find((found) => found.follower === name);
      const lag = lagOfFollower(inputs, report?.position);
      const blamed = blamesCapture(lag, log_bytes);
      return {
        blamed,
        total_bytes: lag.total_bytes,
        view: this.#view(sample, {
          edge: name,
          kind: 'follower',
          position: report?.position,
          report,
          lag_bytes: lag.total_bytes,
          charged_bytes: blamed ? lag.own_bytes : lag.total_bytes,
          budget: budgetOf(this.#budgets, name),
        }),
      };
    });
    const blamed = views.filter((view) => view.blamed).map((view) => view.total_bytes ?? 0);
    const capture = this.#view(sample, {
      edge: 'capture',
      kind: 'capture',
      position: inputs.head,
      report: undefined,
      lag_bytes: log_bytes,
      charged_bytes: log_bytes === undefined ? undefined : Math.max(log_bytes, ...blamed),
      budget: budgetOfCapture(this.#budgets, this.#followers),
    });
    return {
      sample,
      capture,
      followers: views.map(({ view }) => view),
      captureLag_bytes: between(leader?.slot?.written, leader?.position),
      slotRetained_bytes: between(leader?.slot?.restart, leader?.position),
    };
  }

  #view(sample: Sample, edge: EdgeInputs): EdgeView {
    const log = sample.log.ok ? sample.log.value : undefined;
    const leader = sample.leader.ok ? sample.leader.value : undefined;
    const rates = this.#ratesOf(edge.edge);
    const at_ms = sample.at.monotonic_ms;
    if (edge.position) rates.moved.add(at_ms, endAfterForks(edge.position, log?.chain.forks ?? []));
    if (edge.lag_bytes !== undefined) rates.lag.add(at_ms, BigInt(edge.lag_bytes));
    const growth_bps = rates.lag.perSecond();
    const note = log?.notes.find((found) => found.service === edge.edge);
    const missing_us = edge.position && log?.chain.commitTimes.oldestMissing_us(edge.position);
    const last_us = edge.position && log?.chain.commitTimes.lastCovered_us(edge.position);
    const wall_ms = sample.at.wall_ms;
    const silent = note !== undefined && note.state !== 'stopped' && wall_ms - note.beat_ms > silentAfter_ms;
    return {
      edge: edge.edge,
      kind: edge.kind,
      position: edge.position,
      state: log && !silent ? stateOf(edge, note) : 'unknown',
      lag_bytes: edge.lag_bytes,
      charged_bytes: edge.charged_bytes,
      budget: edge.budget,
      in_bps: this.#leaderRate.perSecond(),
      out_bps: rates.moved.perSecond(),
      growth_bps,
      deadlines: nearestDeadline({
        kind: edge.kind,
        lag_bytes: edge.charged_bytes,
        page_bytes: edge.budget?.page_bytes,
        growth_bps,
        in_bps: this.#leaderRate.perSecond(),
        safeWal_bytes: leader?.slot?.safeWal_bytes,
        storage: log?.storage,
        storageGrowth_bps: this.#storageRate.perSecond(),
        oldestMissing_s: missing_us === undefined ? undefined : wall_ms / 1e3 - Number(missing_us) / 1e6,
      }),
      staleness_s: stalenessOf(edge, missing_us, log?.chain.head, wall_ms),
      lastCommit_s: last_us === undefined ? undefined : Number(last_us) / 1e6,
      reportedAt_ms: edge.report?.reportedAt_ms,
      tablesBuilding: edge.report?.tablesBuilding ?? [],
      building: edge.report?.state === 'building' || edge.report?.position.end === lsnZero,
      note,
      silent,
    };
  }

  #ratesOf(edge: string): EdgeRates {
    let rates = this.#rates.get(edge);
    if (!rates) {
      rates = { moved: new RateWindow(), lag: new RateWindow() };
      this.#rates.set(edge, rates);
    }
    return rates;
  }
}

interface EdgeInputs {
  readonly edge: string;
  readonly kind: 'capture' | 'follower';
  readonly position: Position | undefined;
  readonly report: FollowerReport | undefined;
  readonly lag_bytes: number | undefined;
  readonly charged_bytes: number | undefined;
  readonly budget: Budget | undefined;
}

function stateOf(edge: EdgeInputs, note: ServiceNote | undefined): string {
  if (note?.state === 'stopped' || note?.state === 'waiting') return note.state;
  if (edge.kind === 'capture') return note?.state ?? 'unknown';
  // Registered before the log's first record: exactly nothing, which nobody would call exact.
  return edge.report?.position.end === lsnZero ? 'building' : (edge.report?.state ?? 'unregistered');
}

/** Seconds stand beside bytes, never alone: known only for what has reached the log. */
function stalenessOf(
  edge: EdgeInputs,
  missing_us: bigint | undefined,
  head: Position | undefined,
  wall_ms: number,
): number | undefined {
  if (edge.kind === 'capture' || edge.position === undefined || head === undefined) return undefined;
  if (missing_us === undefined) return edge.position.end >= head.end ? 0 : undefined;
  return Math.max(0, wall_ms / 1_000 - Number(missing_us) / 1e6);
}

const between = (from: Lsn | undefined, to: Lsn | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : from >= to ? 0 : Number(to - from);
