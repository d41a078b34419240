import { formatLsn, formatPosition } from '@millrace/model';
import type { AlertBook } from '../alerts/alert-book.js';
import { isFiring } from '../alerts/breach.js';
import type { ServiceWorker } from '../board/service-board.js';
import type { DeliveryStatus } from '../delivery/delivery.js';
import type { Deadline } from '../verdict/deadline.js';
import type { EdgeView, Verdict } from '../verdict/verdict.js';

/** The JSON of `/status` and `millrace status --json`. Positions are text, sizes bytes, `null` is unknown. */
export interface StatusReport {
  readonly schema: 'millrace.status/1';
  readonly pipeline: string;
  readonly environment: string;
  /** RFC 3339. */
  readonly sampled_at: string;
  readonly leader: LeaderStatus;
  readonly log: LogStatus;
  /** Leader to log. */
  readonly capture: EdgeStatus;
  /** Log to follower. */
  readonly followers: readonly EdgeStatus[];
  /** Alerts that are out. */
  readonly alerts: readonly AlertStatus[];
  /** Delivery of pages; null where no monitor told. */
  readonly pages: PagesStatus | null;
}

export interface PagesStatus {
  /** Pages and resolves that their receivers do not have yet. */
  readonly owed: number;
  /** What runs their retries. */
  readonly jobs: {
    /** `in_process`, `redis`, `postgres`. */
    readonly kind: string;
    /** starting, ready, waiting or closed. */
    readonly state: string;
    /** Why it waits. */
    readonly fault: FaultStatus | null;
  };
}

export interface FaultStatus {
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
}

export interface LeaderStatus {
  readonly position: string | null;
  readonly slot: {
    readonly active: boolean;
    readonly restart_lsn: string | null;
    readonly confirmed_flush_lsn: string | null;
    readonly wal_status: string | null;
    readonly retained_bytes: number | null;
    readonly safe_wal_bytes: number | null;
  } | null;
  /** Present when the leader could not be measured. */
  readonly fault: FaultStatus | null;
}

export interface LogStatus {
  /** `history:LSN` of the newest record. */
  readonly position: string | null;
  readonly epoch: number | null;
  readonly used_bytes: number | null;
  readonly limit_bytes: number | null;
  readonly fault: FaultStatus | null;
}

export interface EdgeStatus {
  readonly edge: string;
  /** exact, building, diverged, waiting, stopped, unregistered, running, starting or unknown. */
  readonly state: string;
  readonly position: string | null;
  readonly lag_bytes: number | null;
  /** The part of the lag this edge answers for. */
  readonly charged_bytes: number | null;
  readonly growth_bps: number | null;
  readonly in_bps: number | null;
  readonly out_bps: number | null;
  readonly staleness_s: number | null;
  readonly budget: {
    readonly warn_bytes: number;
    readonly page_bytes: number;
    readonly for_s: number;
  } | null;
  readonly deadlines: readonly Deadline[];
  readonly tables_building: readonly string[];
  /** Events passed since the service started. */
  readonly events: number | null;
  readonly service: {
    readonly state: string;
    readonly doing: string;
    readonly pid: number;
    readonly host: string;
    readonly silent: boolean;
    readonly last_heard_at: string;
    readonly fault: FaultStatus | null;
    /** Further processes at it: standbys, or workers that share it. */
    readonly others: readonly ServiceWorker[];
  } | null;
}

export interface AlertStatus {
  readonly key: string;
  readonly since: string;
  readonly state: 'firing' | 'clearing';
}

export interface StatusContext {
  readonly pipeline: string;
  readonly environment: string;
  readonly alerts: AlertBook;
  /** Absent where no monitor delivers. */
  readonly pages?: DeliveryStatus;
}

export function statusOf(
  verdict: Verdict,
  { pipeline, environment, alerts, pages }: StatusContext,
): StatusReport {
  const { sample } = verdict;
  return {
    schema: 'millrace.status/1',
    pipeline,
    environment,
    sampled_at: new Date(sample.at.wall_ms).toISOString(),
    leader: leaderStatus(verdict),
    log: logStatus(verdict),
    capture: edgeStatus(verdict.capture),
    followers: verdict.followers.map(edgeStatus),
    alerts: alerts.out().flatMap((key) => {
      const state = alerts.state(key);
      if (!isFiring(state) || (state.kind !== 'firing' && state.kind !== 'clearing')) return [];
      return [{ key, since: new Date(state.since.wall_ms).toISOString(), state: state.kind }];
    }),
    pages: pages ? pagesStatus(pages) : null,
  };
}

function pagesStatus({ owed, jobsKind, jobs }: DeliveryStatus): PagesStatus {
  const fault = jobs.fault ? faultStatus(jobs.fault) : null;
  return { owed, jobs: { kind: jobsKind, state: jobs.state, fault } };
}

function leaderStatus(verdict: Verdict): LeaderStatus {
  const { leader } = verdict.sample;
  if (!leader.ok) return { position: null, slot: null, fault: faultStatus(leader.fault) };
  const { position, slot } = leader.value;
  return {
    position: formatLsn(position),
    slot: slot
      ? {
          active: slot.active,
          restart_lsn: slot.restart === undefined ? null : formatLsn(slot.restart),
          confirmed_flush_lsn: slot.confirmed === undefined ? null : formatLsn(slot.confirmed),
          wal_status: slot.walStatus ?? null,
          retained_bytes: verdict.slotRetained_bytes ?? null,
          safe_wal_bytes: slot.safeWal_bytes ?? null,
        }
      : null,
    fault: null,
  };
}

function logStatus(verdict: Verdict): LogStatus {
  const { log } = verdict.sample;
  if (!log.ok)
    return {
      position: null,
      epoch: null,
      used_bytes: null,
      limit_bytes: null,
      fault: faultStatus(log.fault),
    };
  const { chain, storage } = log.value;
  return {
    position: chain.head ? formatPosition(chain.head) : null,
    epoch: chain.epoch,
    used_bytes: storage?.used_bytes ?? null,
    limit_bytes: storage?.limit_bytes ?? null,
    fault: null,
  };
}

function edgeStatus(edge: EdgeView): EdgeStatus {
  const { budget, note } = edge;
  return {
    edge: edge.edge,
    state: edge.state,
    position: edge.position ? formatPosition(edge.position) : null,
    lag_bytes: edge.lag_bytes ?? null,
    charged_bytes: edge.charged_bytes ?? null,
    growth_bps: edge.growth_bps ?? null,
    in_bps: edge.in_bps ?? null,
    out_bps: edge.out_bps ?? null,
    staleness_s: edge.staleness_s ?? null,
    budget: budget
      ? { warn_bytes: budget.warn_bytes, page_bytes: budget.page_bytes, for_s: budget.for_ms / 1_000 }
      : null,
    deadlines: edge.deadlines,
    tables_building: edge.tablesBuilding,
    events: note?.figures.events ?? null,
    service: note
      ? {
          state: note.state,
          doing: note.doing,
          pid: note.pid,
          host: note.host,
          silent: edge.silent,
          last_heard_at: new Date(note.beat_ms).toISOString(),
          fault: note.fault ? faultStatus(note.fault) : null,
          others: note.others ?? [],
        }
      : null,
  };
}

const faultStatus = ({ code, detail, remedy }: FaultStatus): FaultStatus => ({ code, detail, remedy });
