import type { Log } from '@millrace/log';
import type { Clock, Logger } from '@millrace/runtime';

/** What may go when the log grows. Without `bytes` and `age_ms` nothing goes by itself. */
export interface Retention {
  /** Keep about this many bytes of events and progress records. */
  readonly bytes?: number;
  /** Keep what is younger, by the wall clock of the process that wrote it. */
  readonly age_ms?: number;
  /**
   * `hold`: nothing that a registered follower has not applied goes; the log may grow beyond `bytes` up to `max_bytes`.
   * `drop`: it goes; such a follower then stops with MR-3003 (LogTrimmed).
   */
  readonly followers: 'hold' | 'drop';
}

export interface EmbeddedLogOptions {
  /** A directory of the log's own; made when it does not exist (unless `readOnly`). */
  readonly path: string;
  /** Refuse appends beyond this many bytes of events and records with MR-3009, until retention made room. Default: the disk. */
  readonly max_bytes?: number;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Reads only, for monitors: takes no lock. The log must exist. */
  readonly readOnly?: boolean;
  /** How long a process may stay inside one write before a takeover (an opening for writing, or a claim) ends it. Default 10 s. */
  readonly takeoverAfter_ms?: number;
}

export interface PartitionStats {
  readonly low: bigint;
  readonly high: bigint;
  readonly bytes: number;
}

export interface LogStats {
  /** Events and progress records, all partitions. */
  readonly used_bytes: number;
  /** Size of the file on disk; freed pages are reused, not given back. */
  readonly file_bytes: number;
  readonly limit_bytes?: number;
  readonly progress: PartitionStats;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly PartitionStats[] }[];
  /** Why this handle's writer waits at present, and since when (wall clock), if it does (promise 10). */
  readonly waiting?: { readonly reason: string; readonly since_ms: number };
  /** The follower whose position keeps the log from shrinking to its retention, if one does. */
  readonly heldBy?: string;
}

export interface RetentionOutcome {
  /** First progress offset kept. */
  readonly progressBefore: bigint;
  /** Event bytes that became free. */
  readonly freed_bytes: number;
  readonly heldBy?: string;
}

/** The log port on one machine. */
export interface EmbeddedLog extends Log {
  stats(): Promise<LogStats>;
  /** Applies retention now; a writing handle also does so by itself, beside its publishes. */
  retain(): Promise<RetentionOutcome>;
}
