import { type Clock, Fault, JointSignal } from '@millrace/runtime';
import type { DeliveryAttempt, Notification, Notifier } from './notifier.js';
import { decodeSecret, signatureOf } from './signature.js';

export interface WebhookOptions {
  /** `https://…`; user and password in it are sent as HTTP Basic authentication. */
  readonly url: string;
  /** `whsec_…`; several during rotation. None: unsigned. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  /** Standard Webhooks: 15 to 30 s. */
  readonly timeout_ms?: number;
}

const timeout_ms_default = 15_000;
/** Standard Webhooks asks for bodies under 20 kB. */
const body_bytes_max = 20_000;

/** Sends notifications as Standard Webhooks: signed, stable id, no redirects, 410 turns the webhook off. */
export class Webhook implements Notifier {
  readonly channel = 'webhook';
  readonly #options: WebhookOptions;
  readonly #keys: readonly Buffer[];
  readonly #target: WebhookTarget;
  #disabled = false;

  /** Throws MR-1003 for a bad secret, or a bad user or password in the URL. */
  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#keys = options.secrets.map(decodeSecret);
    this.#target = targetOf(options.url);
  }

  get disabled(): boolean {
    return this.#disabled;
  }

  async attempt(notification: Notification, signal: AbortSignal): Promise<DeliveryAttempt> {
    const { id } = notification;
    const body = bodyOf(notification);
    const timestamp_s = Math.floor(this.#options.clock.now() / 1_000);
    using either = new JointSignal(
      signal,
      AbortSignal.timeout(this.#options.timeout_ms ?? timeout_ms_default),
    );
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
        signal: either.signal,
      });
      await answer.body?.cancel();
      return this.#judge(answer.status);
    } catch (error) {
      return { result: 'retry', reason: reasonOf(error) };
    }
  }

  #judge(status: number): DeliveryAttempt {
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
  const credentials = `${decode(username)}:${decode(password)}`;
  return {
    url: url.href,
    headers: { authorization: `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}` },
  };
}

/** Throws MR-1003 without repeating any of it. */
function decode(credential: string): string {
  try {
    return decodeURIComponent(credential);
  } catch {
    throw new Fault('MR-1003', {
      detail: 'user and password in `monitor.webhook.url` must be percent-encoded UTF-8',
      remedy: 'Write `%` as %25 in them, and other special characters by their codes, as `@` by %40.',
    });
  }
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
