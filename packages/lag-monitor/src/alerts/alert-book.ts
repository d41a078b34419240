import type { LogTable } from '@millrace/log';
import type { Instant } from '../instant.js';
import { type Breach, isFiring, quiet, stepBreach } from './breach.js';
import type { Condition } from './conditions.js';

/** A condition that has just begun or ended, to be told once. */
export interface AlertEvent {
  readonly say: 'fired' | 'resolved';
  readonly condition: Condition;
  /** When it was first over. */
  readonly since: Instant;
  readonly samples: number;
}

/** Where alerts that are out are kept, so that a restarted monitor does not page again. */
export interface AlertStore {
  load(): Promise<ReadonlyMap<string, StoredAlert>>;
  save(key: string, alert: StoredAlert | undefined): Promise<void>;
}

export interface StoredAlert {
  readonly since_wall_ms: number;
  readonly samples: number;
}

/** The state of every condition. Pure but for the map: I/O is the caller's. */
export class AlertBook {
  readonly #states = new Map<string, Breach>();

  /** Takes over what was firing before a restart. Monotonic time starts anew, so clearing does too. */
  restore(alerts: ReadonlyMap<string, StoredAlert>, now: Instant): void {
    for (const [key, { since_wall_ms, samples }] of alerts) {
      const since = { monotonic_ms: now.monotonic_ms, wall_ms: since_wall_ms };
      this.#states.set(key, { kind: 'firing', since, samples });
    }
  }

  state(key: string): Breach {
    return this.#states.get(key) ?? quiet;
  }

  firing(key: string): boolean {
    return isFiring(this.state(key));
  }

  /** Keys of the alerts that are out. */
  out(): string[] {
    return [...this.#states].filter(([, state]) => isFiring(state)).map(([key]) => key);
  }

  /** Steps every condition. One that is gone (its follower left the configuration) is forgotten in silence. */
  evaluate(conditions: readonly Condition[], now: Instant): AlertEvent[] {
    const events: AlertEvent[] = [];
    const keys = new Set(conditions.map((condition) => condition.key));
    for (const key of this.#states.keys()) if (!keys.has(key)) this.#states.delete(key);
    for (const condition of conditions) {
      const before = this.state(condition.key);
      const step = stepBreach(before, condition.reading, now, condition.rule);
      this.#states.set(condition.key, step.state);
      if (!step.say) continue;
      const told = step.state.kind === 'quiet' ? before : step.state;
      const { since, samples } = told.kind === 'quiet' ? { since: now, samples: 1 } : told;
      events.push({ say: step.say, condition, since, samples });
    }
    return events;
  }
}

/** Alerts kept in a table of the log. */
export function tableAlertStore(table: LogTable): AlertStore {
  return {
    async load() {
      const alerts = new Map<string, StoredAlert>();
      for (const [key, bytes] of await table.entries()) {
        const alert = parse(bytes);
        if (alert) alerts.set(key, alert);
      }
      return alerts;
    },
    async save(key, alert) {
      if (alert) await table.put(key, Buffer.from(JSON.stringify(alert), 'utf8'));
      else await table.delete(key);
    },
  };
}

function parse(bytes: Uint8Array): StoredAlert | undefined {
  try {
    const alert = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<StoredAlert>;
    return typeof alert.since_wall_ms === 'number' && typeof alert.samples === 'number'
      ? { since_wall_ms: alert.since_wall_ms, samples: alert.samples }
      : undefined;
  } catch {
    return undefined; // a damaged entry at worst pages a second time
  }
}
