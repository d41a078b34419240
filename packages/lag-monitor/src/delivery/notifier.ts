import type { PageFields } from '../pages/page.js';

/** One thing to tell; `id` is the same however often it is tried, so that a receiver can drop repeats. */
export interface Notification {
  readonly id: string;
  readonly fields: PageFields;
}

/** Of one attempt. `retry`: it may work later. `disabled`: refused for good, this and all to come. */
export interface DeliveryAttempt {
  readonly result: 'sent' | 'retry' | 'disabled';
  /** Why it was not sent. */
  readonly reason: string;
}

/** What metrics count: attempts, and `failed` for a notification that is given up. */
export type DeliveryResult = DeliveryAttempt['result'] | 'failed';

/**
 * Port: a channel for pages. One call is one attempt, bounded in time; it never rejects and ends early when `signal`
 * aborts. Order, retries and durability are the delivery's. Attempts may run in parallel.
 */
export interface Notifier {
  /** Label in metrics, part of keys: `webhook`. Letters, digits and "-". */
  readonly channel: string;
  /** True once a receiver has refused for good; nothing is sent any more. */
  readonly disabled: boolean;
  attempt(notification: Notification, signal: AbortSignal): Promise<DeliveryAttempt>;
}
