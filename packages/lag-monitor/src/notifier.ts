import type { PageFields } from './page.js';

/** One thing to tell; `id` is the same however often it is tried, so that a receiver can drop repeats. */
export interface Notification {
  readonly id: string;
  readonly fields: PageFields;
}

/** Of one attempt. */
export type DeliveryResult = 'sent' | 'retry' | 'failed' | 'disabled';
/** Of a notification: delivered, given up, or still owed because this process ended first. */
export type DeliveryEnd = 'sent' | 'given-up' | 'owed';

/**
 * Port: a channel for pages. `notify` never rejects and resolves when the notification needs no more tries; deliveries of
 * one alert keep their order (a resolve never overtakes its page), different alerts do not wait for each other.
 * Failures are retried inside, bounded in time and number; each attempt is told through `onResult`. `close` ends all waits.
 */
export interface Notifier {
  /** Label in metrics: `webhook`. */
  readonly channel: string;
  notify(notification: Notification): Promise<DeliveryEnd>;
  /** Undelivered notifications. */
  pending(): number;
  /** Waits up to `timeout_ms` for what is under way, then gives up. */
  close(timeout_ms: number): Promise<void>;
}
