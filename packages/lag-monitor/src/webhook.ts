import { type BackoffPolicy, backoff_ms, type Clock, Fault, type Logger } from '@millrace/runtime';
import type { DeliveryEnd, DeliveryResult, Notification, Notifier } from './notifier.js';
import { decodeSecret, signatureOf } from './signature.js';

export interface WebhookOptions {
  /** `https://…`; user and password in it are sent as HTTP Basic authentication. */
  readonly url: string;
  /** `whsec_…`; several during rotation. None: unsigned. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly onResult?: (result: DeliveryResult) => void;
  /** Standard Webhooks: 15 to 30 s. */
  readonly timeout_ms?: number;
  readonly backoff?: BackoffPolicy;
}

/** First after 5 s, then longer with jitter; a day in all, then it is given up. */
const defaultRetry: BackoffPolicy = { first_ms: 10_000, max_ms: 3_600_000, factor: 2 };
const giveUpAfter_ms = 24 * 3_600_000;
const timeout_ms_default = 15_000;
/** Standard Webhooks asks for bodies under 20 kB. */
const body_bytes_max = 20_000;
/** A receiver that is down for a day gets the newest; older ones are told as failed. */
const queue_max = 1_000;

/** Delivers notifications as Standard Webhooks: signed, stable id, no redirects, 410 turns the webhook off. */
export class Webhook implements Notifier {
  readonly channel = 'webhook';
  readonly #options: WebhookOptions;
  readonly #keys: readonly Buffer[];
  readonly #target: WebhookTarget;
  readonly #chains = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #pending = 0;
  #disabled = false;

  /** Throws MR-1003 for a bad secret. */
  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#keys = options.secrets.map(decodeSecret);
    this.#target = targetOf(options.url);
  }

  async notify(notification: Notification): Promise<DeliveryEnd> {
    if (this.#disabled || this.#pending >= queue_max) {
      this.#options.onResult?.('failed');
      return 'given-up';
    }
    this.#pending += 1;
    const key = notification.fields.dedup_key;
    const before = this.#chains.get(key) ?? Promise.resolve();
    const delivery = before.then(() => this.#deliver(notification));
    const after = delivery.then(() => undefined);
    this.#chains.set(key, after);
    const end = await delivery;
    this.#pending -= 1;
    if (this.#chains.get(key) === after) this.#chains.delete(key);
    return end;
  }

  pending(): number {
    return this.#pending;
  }

  async close(timeout_ms: number): Promise<void> {
    const waiting = new AbortController();
    await Promise.race([
      Promise.all(this.#chains.values()),
      this.#options.clock.sleep(timeout_ms, waiting.signal),
    ]);
    waiting.abort();
    this.#stop.abort();
    await Promise.all(this.#chains.values());
  }

  /** Tries until delivered, refused for good, or given up. Never throws. */
  async #deliver(notification: Notification): Promise<DeliveryEnd> {
    const { clock, random, logger } = this.#options;
    const body = bodyOf(notification);
    const deadline = clock.monotonic() + giveUpAfter_ms;
    for (let attempt = 0; !this.#disabled && !this.#stop.signal.aborted; attempt++) {
      const outcome = await this.#attempt(notification.id, body);
      this.#options.onResult?.(outcome.result);
      if (outcome.result === 'sent') return 'sent';
      const fault = new Fault('MR-6001', {
        detail: `webhook delivery ${notification.id}: ${outcome.reason}`,
      });
      logger.warn({ code: fault.code, attempt }, fault.message);
      if (outcome.result !== 'retry') return 'given-up';
      if (clock.monotonic() > deadline) {
        this.#options.onResult?.('failed');
        return 'given-up';
      }
      await clock.sleep(
        backoff_ms(this.#options.backoff ?? defaultRetry, attempt, random()),
        this.#stop.signal,
      );
    }
    return this.#disabled ? 'given-up' : 'owed';
  }

  async #attempt(id: string, body: string): Promise<{ result: DeliveryResult; reason: string }> {
    const timestamp_s = Math.floor(this.#options.clock.now() / 1_000);
    try {
      const answer = await fetch(this.#target.url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          ...this.#target.headers,
          'content-type': 'application/json',
          'user-agent': 'millrace',
          'webhook-id': id,
          'webhook-timestamp': String(timestamp_s),
          ...(this.#keys.length > 0 && {
            'webhook-signature': signatureOf(this.#keys, id, timestamp_s, body),
          }),
        },
        body,
        signal: AbortSignal.any([
          this.#stop.signal,
          AbortSignal.timeout(this.#options.timeout_ms ?? timeout_ms_default),
        ]),
      });
      await answer.body?.cancel();
      return this.#judge(answer.status);
    } catch (error) {
      return { result: 'retry', reason: reasonOf(error) };
    }
  }

  #judge(status: number): { result: DeliveryResult; reason: string } {
    if (status >= 200 && status < 300) return { result: 'sent', reason: '' };
    if (status === 410) {
      this.#disabled = true;
      return {
        result: 'disabled',
        reason: 'the receiver answered 410 Gone; the webhook is off until a restart',
      };
    }
    const redirect = status >= 300 && status < 400 ? ' (redirects are not followed)' : '';
    return { result: 'retry', reason: `the receiver answered ${status}${redirect}` };
  }
}

interface WebhookTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** fetch refuses a URL with credentials in it: every page would fail. */
function targetOf(text: string): WebhookTarget {
  const url = new URL(text);
  const { username, password } = url;
  if (username === '' && password === '') return { url: text, headers: {} };
  url.username = '';
  url.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    url: url.href,
    headers: { authorization: `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}` },
  };
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

/** The envelope of Standard Webhooks; a text that would pass the limit loses its end, never its fields. */
function bodyOf(notification: Notification): string {
  const { fields } = notification;
  const envelope = { type: `millrace.lag.${fields.type}`, timestamp: fields.sampled_at, data: fields };
  const body = JSON.stringify(envelope);
  if (Buffer.byteLength(body) <= body_bytes_max) return body;
  const shorten = (text: string | null): string | null => text?.slice(0, 1_000) ?? null;
  return JSON.stringify({
    ...envelope,
    data: { ...fields, text: shorten(fields.text), cause_evidence: shorten(fields.cause_evidence) },
  });
}
