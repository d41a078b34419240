import type { Lsn } from '@millrace/model';

/**
 * Port: what the monitor asks a leader on every sample. One call is one round trip or two; it must not hold a
 * transaction open. Errors are faults (MR-2001 …): the sample then has no leader side, and the dead-man's
 * alert counts how long.
 */
export interface LeaderProbe {
  read(): Promise<LeaderReading>;
  close(): Promise<void>;
}

export interface LeaderReading {
  /** pg_current_wal_lsn(): the end of what the leader has written. */
  readonly position: Lsn;
  /** Absent when the slot does not exist. */
  readonly slot?: SlotReading;
  /** pg_settings.max_slot_wal_keep_size in bytes; absent when unlimited. */
  readonly slotKeepLimit_bytes?: number;
}

/** One row of pg_replication_slots, with the walsender's write position. */
export interface SlotReading {
  readonly active: boolean;
  readonly restart?: Lsn;
  readonly confirmed?: Lsn;
  /** pg_stat_replication.write_lsn: what capture has received. Absent while nobody is connected. */
  readonly written?: Lsn;
  /** reserved, extended, unreserved, lost; absent when the server does not say. */
  readonly walStatus?: string;
  /** pg_replication_slots.safe_wal_size: bytes that can still be written before the slot is lost. */
  readonly safeWal_bytes?: number;
}
