import type { LogTable } from '@millrace/log';
import type { Instant } from '../instant.js';
import { type Alert, noAlert, stepAlert } from './alert.js';
import { type Breach, isFiring } from './breach.js';
import type { Condition } from './conditions.js';

/** A condition that has just begun or ended, to be told once. */
export interface AlertEvent {
  readonly say: 'fired' | 'resolved';
  readonly condition: Condition;
  /** When it was first over; of a stop for another reason than before, when that was. */
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
  /** Codes its pages were about. Absent where there are none, and in what earlier versions stored. */
  readonly about?: readonly string[];
}

/** The state of every condition. Pure but for the map: I/O is the caller's. */
export class AlertBook {
  readonly #alerts = new Map<string, Alert>();

  /** Takes over what was firing before a restart. Monotonic time starts anew, so clearing does too. */
  restore(alerts: ReadonlyMap<string, StoredAlert>, now: Instant): void {
    for (const [key, { since_wall_ms, samples, about = [] }] of alerts) {
      const since = { monotonic_ms: now.monotonic_ms, wall_ms: since_wall_ms };
      this.#alerts.set(key, { breach: { kind: 'firing', since, samples }, told: about });
    }
  }

  state(key: string): Breach {
    return this.#alert(key).breach;
  }

  firing(key: string): boolean {
    return isFiring(this.state(key));
  }

  /** Keys of the alerts that are out. */
  out(): string[] {
    return [...this.#alerts.keys()].filter((key) => this.firing(key));
  }

  /** What to keep of an alert; undefined when it is not out. */
  stored(key: string): StoredAlert | undefined {
    const { breach, told } = this.#alert(key);
    if (breach.kind !== 'firing' && breach.kind !== 'clearing') return undefined;
    const { since, samples } = breach;
    return { since_wall_ms: since.wall_ms, samples, ...(told.length > 0 && { about: told }) };
  }

  /** Steps every condition. One that is gone (its follower left the configuration) is forgotten in silence. */
  evaluate(conditions: readonly Condition[], now: Instant): AlertEvent[] {
    const events: AlertEvent[] = [];
    const keys = new Set(conditions.map((condition) => condition.key));
    for (const key of this.#alerts.keys()) if (!keys.has(key)) this.#alerts.delete(key);
    for (const condition of conditions) {
      const before = this.#alert(condition.key);
      const { alert, say } = stepAlert(before, condition, now);
      this.#alerts.set(condition.key, alert);
      if (!say) continue;
      const told = alert.breach.kind === 'quiet' ? before.breach : alert.breach;
      const { since, samples } = told.kind === 'quiet' ? { since: now, samples: 1 } : told;
      events.push({ say, condition, since, samples });
    }
    return events;
  }

  #alert(key: string): Alert {
    return this.#alerts.get(key) ?? noAlert;
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
    const { since_wall_ms, samples, about } = alert;
    if (typeof since_wall_ms !== 'number' || typeof samples !== 'number') return undefined;
    return { since_wall_ms, samples, ...(Array.isArray(about) && { about: about.map(String) }) };
  } catch {
    return undefined; // a damaged entry at worst pages a second time
  }
}
