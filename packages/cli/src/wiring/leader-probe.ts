import { inTime, type LeaderProbe, type LeaderReading, type SlotReading } from '@millrace/lag-monitor';
import { type Lsn, parseLsn } from '@millrace/model';
import { PgSession, quoteLiteral, type TextRow } from '@millrace/postgres';
import { type Clock, Fault } from '@millrace/runtime';

/** A leader that does not answer within this is one that cannot be measured. */
const statementTimeout_ms = 5_000;
/** One that is frozen, or cut off, cannot even say that the statement took too long. */
const answer_ms_max = 6_000;
const mebibyte = 2 ** 20;

/** Asks a PostgreSQL leader for its position and the slot, in one statement; reconnects by itself on the next sample. */
export function createPostgresProbe(url: string, slot: string, clock: Clock): LeaderProbe {
  return new PostgresProbe(url, slot, clock);
}

class PostgresProbe implements LeaderProbe {
  readonly #url: string;
  readonly #slot: string;
  readonly #clock: Clock;
  #session: PgSession | undefined;

  constructor(url: string, slot: string, clock: Clock) {
    this.#url = url;
    this.#slot = slot;
    this.#clock = clock;
  }

  async read(): Promise<LeaderReading> {
    if (this.#session && !this.#session.usable) await this.close();
    this.#session ??= await PgSession.open(this.#url, {
      role: 'leader',
      applicationName: 'millrace monitor',
      statementTimeout_ms,
    });
    const answer = this.#session.queryOne('measuring the leader', statement(this.#slot));
    return readingOf(await this.#inTime(answer));
  }

  /** Throws MR-2001 when the answer does not come, and gives up the session that owes it. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    const late = (): never => {
      void this.close().catch(() => undefined);
      throw new Fault('MR-2001', { detail: `the leader has not answered for ${answer_ms_max / 1_000} s` });
    };
    return inTime(answer, late, { clock: this.#clock, patience_ms: answer_ms_max });
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}

const statement = (slot: string): string => `
  SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
      ELSE pg_catalog.pg_current_wal_lsn() END AS position,
    (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep_mib,
    s.slot_name, s.active, s.restart_lsn, s.confirmed_flush_lsn, s.wal_status, s.safe_wal_size, r.write_lsn
  FROM (SELECT) one
  LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = ${quoteLiteral(slot)}
  LEFT JOIN pg_catalog.pg_stat_replication r ON r.pid = s.active_pid`;

function readingOf(row: TextRow): LeaderReading {
  const keep_mib = Number(row.keep_mib ?? -1);
  return {
    position: parseLsn(row.position as string),
    ...(row.slot_name != null && { slot: slotOf(row) }),
    ...(keep_mib >= 0 && { slotKeepLimit_bytes: keep_mib * mebibyte }),
  };
}

function slotOf(row: TextRow): SlotReading {
  const at = (text: string | null | undefined): Lsn | undefined =>
    text == null ? undefined : parseLsn(text);
  const restart = at(row.restart_lsn);
  const confirmed = at(row.confirmed_flush_lsn);
  const written = at(row.write_lsn);
  return {
    active: row.active === 't',
    ...(restart !== undefined && { restart }),
    ...(confirmed !== undefined && { confirmed }),
    ...(written !== undefined && { written }),
    ...(row.wal_status != null && { walStatus: row.wal_status }),
    ...(row.safe_wal_size != null && { safeWal_bytes: Number(row.safe_wal_size) }),
  };
}
