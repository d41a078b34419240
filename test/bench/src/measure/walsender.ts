import { setTimeout as sleep } from 'node:timers/promises';
import type { PgServer } from '@millrace/test-support';

const poll_ms = 10;
const timeout_ms_default = 60_000;

/** The leader's process that serves a slot. */
export interface Walsender {
  readonly pid: number;
  /** When its connection began, wall clock of this machine, ms since 1970 (with fractions). */
  readonly started_ms: number;
}

export interface WalsenderOptions {
  readonly timeout_ms?: number;
}

/** Waits until somebody reads from `slot`. `failed` is asked between looks, and throws when nobody will come. */
export async function walsenderOf(
  leader: PgServer,
  slot: string,
  failed: () => void,
  { timeout_ms = timeout_ms_default }: WalsenderOptions = {},
): Promise<Walsender> {
  const client = await leader.connect();
  try {
    const deadline = performance.now() + timeout_ms;
    while (performance.now() < deadline) {
      failed();
      const { rows } = await client.query<{ pid: number; started_ms: number }>(
        `SELECT r.pid, extract(epoch FROM r.backend_start)::float8 * 1000 AS started_ms
         FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid WHERE s.slot_name = $1`,
        [slot],
      );
      const row = rows[0];
      if (row) return row;
      await sleep(poll_ms);
    }
    throw new Error(`nobody read from slot ${slot} within ${timeout_ms} ms`);
  } finally {
    await client.end();
  }
}

/** The wall clock with fractions of a millisecond, to be compared with `started_ms`. */
export function wallClock_ms(): number {
  return performance.timeOrigin + performance.now();
}

/** Drops a slot if it is there, waiting for its last reader to leave. */
export async function dropSlot(leader: PgServer, slot: string): Promise<void> {
  const client = await leader.connect();
  try {
    const deadline = performance.now() + timeout_ms_default;
    while (true) {
      try {
        await client.query(
          'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
          [slot],
        );
        return;
      } catch (error) {
        const inUse = (error as { code?: string }).code === '55006';
        if (!inUse || performance.now() > deadline) throw error;
        await sleep(poll_ms);
      }
    }
  } finally {
    await client.end();
  }
}
