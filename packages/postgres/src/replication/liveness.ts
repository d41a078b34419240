import { type Lsn, lsnZero } from '@millrace/model';

/** The longest pause between two status messages, milliseconds. */
const statusInterval_ms_max = 10_000;
/** Silence after which the server is asked to answer. */
const quiet_ms = 15_000;
/** Silence after which a server that was asked counts as gone, at least. */
const dead_ms_min = 45_000;
/** Taken for a server that never gives up. */
const endlessTimeout_ms = 5 * 60_000;
/** On top of what the server may take: one status of ours and the way there and back. */
const slack_ms = 15_000;
/** However often patience was doubled. */
const patience_ms_max = 30 * 60_000;

/**
 * How often to send status unasked: at most a third of wal_sender_timeout, so that two may be lost. 0 means that the
 * server never gives up; then status serves to notice a dead connection.
 */
export function statusInterval_ms(walSenderTimeout_ms: number): number {
  if (walSenderTimeout_ms <= 0) return statusInterval_ms_max;
  return Math.max(10, Math.min(statusInterval_ms_max, Math.floor(walSenderTimeout_ms / 3)));
}

/**
 * Silence after which the server counts as gone. A walsender at work on one large transaction of which it publishes nothing looks at
 * what we sent only when half of wal_sender_timeout is over since our last status; before PostgreSQL 15, not before the transaction's
 * end. Given up, it starts over with the same transaction: so the time grows with its timeout, and doubles with every time that it was
 * given up for nothing.
 */
export function deadAfter_ms(walSenderTimeout_ms: number, doublings: number): number {
  const timeout_ms = walSenderTimeout_ms <= 0 ? endlessTimeout_ms : walSenderTimeout_ms;
  const once_ms = Math.max(dead_ms_min, timeout_ms) + slack_ms;
  return Math.max(once_ms, Math.min(patience_ms_max, once_ms * 2 ** doublings));
}

/** How long silence is borne with, over all connections to a server: what one learns, the next one needs. */
export class Patience {
  #doublings = 0;
  #flushed: Lsn = lsnZero;

  deadAfter_ms(walSenderTimeout_ms: number): number {
    return deadAfter_ms(walSenderTimeout_ms, this.#doublings);
  }

  /** Beyond what it ever was: the server got on with its work. Receiving tells nothing, it sends the same again every time. */
  flushed(at: Lsn): void {
    if (at <= this.#flushed) return;
    this.#flushed = at;
    this.#doublings = 0;
  }

  gaveUp(): void {
    this.#doublings++;
  }
}

export type Liveness = 'fine' | 'ask' | 'dead';

/**
 * Whether the server is still there. An idle walsender sends a keepalive every half wal_sender_timeout, unless that is
 * off; so after `quiet_ms` of silence it is asked for a reply with every status, and given up after `dead_ms`. Silence
 * while we do not read ourselves tells nothing.
 */
export function liveness(now_ms: number, lastRead_ms: number, waiting: boolean, dead_ms: number): Liveness {
  if (waiting) return 'fine';
  const silence_ms = now_ms - lastRead_ms;
  return silence_ms >= dead_ms ? 'dead' : silence_ms >= quiet_ms ? 'ask' : 'fine';
}
