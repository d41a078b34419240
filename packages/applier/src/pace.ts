import type { ApplierLimits } from './policies.js';

/** Weight of the latest measurement in the running averages. */
const newest_weight = 0.3;
/** A transaction of fewer events costs mostly its fixed part: no use in making it smaller. */
const events_min = 1_000;

/** How much one follower transaction should hold, by what the ones before it took. */
export class Pace {
  readonly #limits: ApplierLimits;
  #event_bytes = 0;
  #events_per_ms = 0;

  constructor(limits: ApplierLimits) {
    this.#limits = limits;
  }

  measured(applied: { readonly events: number; readonly bytes: number }, took_ms: number): void {
    if (applied.events === 0) return;
    this.#event_bytes = average(this.#event_bytes, applied.bytes / applied.events);
    // Small transactions measure the fixed cost, not the rate.
    if (applied.events >= events_min && took_ms > 0)
      this.#events_per_ms = average(this.#events_per_ms, applied.events / took_ms);
  }

  events(): number {
    const { group_events, group_bytes, group_ms } = this.#limits;
    const byBytes = this.#event_bytes > 0 ? group_bytes / this.#event_bytes : group_events;
    const byTime =
      this.#events_per_ms > 0 ? Math.max(events_min, this.#events_per_ms * group_ms) : group_events;
    return Math.max(1, Math.floor(Math.min(group_events, byBytes, byTime)));
  }

  records(): number {
    return this.#limits.group_records;
  }
}

const average = (before: number, now: number): number =>
  before === 0 ? now : before * (1 - newest_weight) + now * newest_weight;
