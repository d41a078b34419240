/** The longest pause between two status messages, milliseconds. */
const statusInterval_ms_max = 10_000;
/** Silence after which the server is asked to answer, and after which a server that was asked counts as gone. */
const quiet_ms = 15_000;
const dead_ms = 45_000;

/**
 * How often to send status unasked: at most a third of wal_sender_timeout, so that two may be lost. 0 means that the
 * server never gives up; then status serves to notice a dead connection.
 */
export function statusInterval_ms(walSenderTimeout_ms: number): number {
  if (walSenderTimeout_ms <= 0) return statusInterval_ms_max;
  return Math.max(10, Math.min(statusInterval_ms_max, Math.floor(walSenderTimeout_ms / 3)));
}

export type Liveness = 'fine' | 'ask' | 'dead';

/**
 * Whether the server is still there. An idle walsender sends a keepalive every half wal_sender_timeout, unless that is
 * off; so after `quiet_ms` of silence it is asked for a reply with every status, and given up after `dead_ms`. Silence
 * while we do not read ourselves tells nothing.
 */
export function liveness(now_ms: number, lastRead_ms: number, waiting: boolean): Liveness {
  if (waiting) return 'fine';
  const silence_ms = now_ms - lastRead_ms;
  return silence_ms >= dead_ms ? 'dead' : silence_ms >= quiet_ms ? 'ask' : 'fine';
}
