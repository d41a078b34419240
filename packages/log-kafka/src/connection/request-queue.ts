import type { ConnectionQueue, PushedRequest } from 'kafkajs/src/network/connection.js';
import { Trouble } from './trouble.js';

interface Waiting {
  readonly timer: NodeJS.Timeout;
  resolve(payload: Buffer, size: number): void;
  reject(error: Error): void;
}

/**
 * Stands in for kafkajs's own queue of requests, on each connection we open. Its own asks for a timer of negative length after every
 * answer, which Node rounds to a millisecond and warns of: each idle connection then wakes a thousand times a second; and its time-outs
 * poll. Here every request has one timer, and an idle connection has none. Replacing it on the instance reaches users who install
 * from a registry, which a patch of the package manager does not.
 */
export class RequestQueue implements ConnectionQueue {
  readonly #waiting = new Map<number, Waiting>();
  readonly #onTimeout: (what: string) => void;
  #onDrained: (() => void) | undefined;

  /** `onTimeout`: an answer did not come; nothing that follows on this connection can be trusted to come either. */
  constructor(onTimeout: (what: string) => void) {
    this.#onTimeout = onTimeout;
  }

  /** Calls `then` once no answer is awaited any more. */
  whenDrained(then: () => void): void {
    this.#onDrained = then;
    this.#drained();
  }

  #drained(): void {
    if (this.#waiting.size > 0) return;
    this.#onDrained?.();
    this.#onDrained = undefined;
  }

  /** The answer's body to the request that is about to be sent under this number. Rejects with a sent `Trouble`. */
  expect(correlationId: number, what: string, timeout_ms: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#add(correlationId, what, timeout_ms, { resolve, reject });
    });
  }

  /** kafkajs's own requests: authentication. */
  push({ entry, requestTimeout, sendRequest }: PushedRequest): void {
    const { correlationId } = entry;
    this.#add(correlationId, 'Authentication', requestTimeout ?? authentication_ms, {
      resolve: (payload, size) => entry.resolve({ correlationId, entry, size, payload }),
      reject: (error) => entry.reject(error),
    });
    sendRequest();
  }

  fulfillRequest({
    correlationId,
    payload,
    size,
  }: {
    correlationId: number;
    payload: Buffer;
    size: number;
  }): void {
    const waiting = this.#waiting.get(correlationId);
    if (!waiting) return;
    this.#waiting.delete(correlationId);
    clearTimeout(waiting.timer);
    waiting.resolve(payload, size);
    this.#drained();
  }

  rejectAll(error: Error): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { timer, reject } of waiting) {
      clearTimeout(timer);
      reject(new Trouble(error.message, { isSent: true, cause: error }));
    }
  }

  /** kafkajs asks before it closes a socket. Ours are ended at once: whoever waits is told. */
  waitForPendingRequests(): Promise<void> {
    return Promise.resolve();
  }

  scheduleRequestTimeoutCheck(): void {}

  /** Brokers stop reading from a throttled connection by themselves (KIP-219). */
  maybeThrottle(): void {}

  destroy(): void {}

  #add(correlationId: number, what: string, timeout_ms: number, outcome: Omit<Waiting, 'timer'>): void {
    const timer = setTimeout(() => {
      this.#waiting.delete(correlationId);
      outcome.reject(new Trouble(`${what} was not answered within ${timeout_ms} ms`, { isSent: true }));
      this.#onTimeout(what);
    }, timeout_ms);
    this.#waiting.set(correlationId, { ...outcome, timer });
  }
}

const authentication_ms = 10_000;
