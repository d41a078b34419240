import type { Lsn, Position } from '@millrace/model';
import type { CaptureState } from './state.js';

/** What a capture says about itself. A value: taken anew on each call. */
export interface CaptureStatus {
  readonly state: CaptureState;
  /** Why nothing moves, when something blocks (promise 10). */
  readonly waiting: string | undefined;
  /** 0 before the first claim. */
  readonly epoch: number;
  /** End of the last transaction received. */
  readonly received: Lsn;
  /** `to` of the newest acknowledged record. */
  readonly published: Position;
  /** Flushed as confirmed to the leader (R8). */
  readonly confirmed: Lsn;
  readonly applied: Lsn;
  /** The leader's WAL position when last asked, and when that was (wall clock, ms); undefined when unknown. */
  readonly leader: { readonly position: Lsn; readonly at_ms: number } | undefined;
  readonly transactions: number;
  readonly events: number;
  readonly records: number;
  /** Bytes packed or queued. */
  readonly held_bytes: number;
  /** Where the stream stops being read. */
  readonly heldLimit_bytes: number;
  /** Bytes of events that the log has acknowledged. */
  readonly bytes: number;
  /** Events made, by what happened on the leader; those of an epoch that was given up are made again, and count again. */
  readonly changes: Readonly<Record<'snapshot' | 'insert' | 'update' | 'delete' | 'truncate', number>>;
  readonly snapshot: SnapshotProgress | undefined;
}

/** How far a snapshot is. */
export interface SnapshotProgress {
  readonly id: number;
  readonly kind: 'initial' | 'windowed';
  readonly tables: readonly TableProgress[];
  readonly rowsDone: number;
  /** Sum of the leader's estimates; undefined when it has none. */
  readonly rowsEstimated: number | undefined;
  /** Rows per second since the snapshot began or was resumed. */
  readonly rowsPerSecond: number;
  /** Milliseconds to go at this rate; undefined when unknown. */
  readonly eta_ms: number | undefined;
  /** Chunks read again because of R36 or a change of shape. */
  readonly discarded: number;
  readonly lastDiscard: string | undefined;
}

export interface TableProgress {
  readonly topic: string;
  readonly rowsDone: number;
  readonly rowsEstimated: number | undefined;
  readonly finished: boolean;
}
