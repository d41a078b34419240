import type { ApplierLimits } from '../policies.js';

/** Weight of the latest measurement in the running average. */
const newest_weight = 0.3;

/**
 * How much one follower transaction should hold: bytes, by the events before. Not time: a store whose transactions cost
 * mostly their fixed part would be given ever smaller ones, and fall behind for good.
 */
export class Pace {
  readonly #limits: ApplierLimits;
  #event_bytes = 0;

  constructor(limits: ApplierLimits) {
    this.#limits = limits;
  }

  measured(applied: { readonly events: number; readonly bytes: number }): void {
    if (applied.events === 0) return;
    const event_bytes = applied.bytes / applied.events;
    this.#event_bytes =
      this.#event_bytes === 0
        ? event_bytes
        : this.#event_bytes * (1 - newest_weight) + event_bytes * newest_weight;
  }

  events(): number {
    const { group_events, group_bytes } = this.#limits;
    const byBytes = this.#event_bytes > 0 ? group_bytes / this.#event_bytes : group_events;
    return Math.max(1, Math.floor(Math.min(group_events, byBytes)));
  }

  records(): number {
    return this.#limits.group_records;
  }
}
