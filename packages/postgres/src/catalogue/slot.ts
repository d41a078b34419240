import { type Lsn, parseLsn } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { PgSession } from '../connection/session.js';
import { quoteLiteral } from '../quote.js';

/** A replication slot as pg_replication_slots shows it. */
export interface SlotInfo {
  readonly name: string;
  /** Null for a physical slot. */
  readonly plugin: string | null;
  readonly database: string | null;
  readonly activePid: number | null;
  /** End of what its consumer confirmed; null while it is being made. */
  readonly confirmed: Lsn | null;
  readonly restart: Lsn | null;
  /** reserved, extended, unreserved, lost; null while WAL is not reserved. */
  readonly walStatus: string | null;
  /** Bytes of WAL until the slot is in danger; null when max_slot_wal_keep_size is off or the slot lost. */
  readonly safeWal_bytes: bigint | null;
  readonly twoPhase: boolean;
}

export async function readSlot(session: PgSession, name: string): Promise<SlotInfo | undefined> {
  const rows = await session.query(
    'reading the slot',
    `SELECT plugin, database, active_pid, confirmed_flush_lsn, restart_lsn, wal_status, safe_wal_size, two_phase
     FROM pg_catalog.pg_replication_slots WHERE slot_name = ${quoteLiteral(name)}`,
  );
  const row = rows[0];
  if (!row) return undefined;
  const position = (text: string | null | undefined): Lsn | null => (text == null ? null : parseLsn(text));
  return {
    name,
    plugin: row.plugin ?? null,
    database: row.database ?? null,
    activePid: row.active_pid == null ? null : Number(row.active_pid),
    confirmed: position(row.confirmed_flush_lsn),
    restart: position(row.restart_lsn),
    walStatus: row.wal_status ?? null,
    safeWal_bytes: row.safe_wal_size == null ? null : BigInt(row.safe_wal_size),
    twoPhase: row.two_phase === 't',
  };
}

/** Throws MR-2005 for a slot that lost its WAL, MR-2003 for one that is not ours to read. */
export function checkSlot(slot: SlotInfo, database: string): void {
  const cause = slotTrouble(slot, database);
  if (cause === undefined) return;
  throw new Fault(cause.lost ? 'MR-2005' : 'MR-2003', {
    detail: cause.detail,
    ...(cause.lost
      ? {}
      : { remedy: 'Name another slot in the configuration, or drop this one if nobody uses it.' }),
    context: { slot: slot.name },
  });
}

/** What is wrong with a slot, if anything; pure. */
export function slotTrouble(
  slot: SlotInfo,
  database: string,
): { readonly lost: boolean; readonly detail: string } | undefined {
  if (slot.plugin !== 'pgoutput') {
    const kind = slot.plugin === null ? 'is a physical slot' : `decodes with ${slot.plugin}`;
    return { lost: false, detail: `slot ${slot.name} ${kind}, not with pgoutput` };
  }
  if (slot.database !== database)
    return { lost: false, detail: `slot ${slot.name} belongs to database ${slot.database}, not ${database}` };
  // R15: prepared content must be decoded at COMMIT PREPARED.
  if (slot.twoPhase) return { lost: false, detail: `slot ${slot.name} was made with two-phase decoding` };
  if (slot.walStatus === 'lost')
    return { lost: true, detail: `slot ${slot.name} lost WAL that it still needs (wal_status lost)` };
  return undefined;
}

/** Who a process on the leader is, for "slot busy": `pid 4711 (pg_recvlogical, 10.0.0.7, since …)`. */
export async function describeBackend(session: PgSession, pid: number): Promise<string> {
  const rows = await session.query(
    'looking at who holds the slot',
    `SELECT application_name, client_addr, backend_start::pg_catalog.timestamptz(0) AS since, usename
     FROM pg_catalog.pg_stat_activity WHERE pid = ${Number(pid)}`,
  );
  const row = rows[0];
  if (!row) return `pid ${pid}`;
  const parts = [row.application_name, row.usename, row.client_addr ?? 'local', `since ${row.since}`];
  return `pid ${pid} (${parts.filter((part) => part).join(', ')})`;
}
