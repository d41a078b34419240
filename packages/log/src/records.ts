import type { Lsn, Position, Relation, SchemaChange } from '@millrace/model';

/**
 * The records of the progress partition (log-protocol §2) as values. `record-codec.ts` turns them into bytes and back;
 * `chain.ts` decides which of them count.
 */
export type ProgressRecord =
  | ClaimRecord
  | OpenRecord
  | SchemaRecord
  | LayoutRecord
  | BatchRecord
  | IntentRecord;

export interface RecordHead {
  readonly logId: Uint8Array;
  readonly epoch: number;
  /** 16 random bytes per claim: separates equal proposals (R3). */
  readonly nonce: Uint8Array;
  readonly seq: bigint;
}

/** Who wants to write; seq 0. */
export interface ClaimRecord extends RecordHead {
  readonly kind: 'claim';
  readonly host: string;
  readonly pid: number;
  readonly version: string;
}

/** Seq 1 of every epoch, and written again as a checkpoint: where the chain stands and what leader it comes from. */
export interface OpenRecord extends RecordHead {
  readonly kind: 'open';
  readonly at: Position;
  readonly systemId: bigint;
  readonly timeline: number;
  readonly ancestry: readonly { readonly timeline: number; readonly switchLsn: Lsn }[];
  /** Present when this open began a new history. */
  readonly fork?: { readonly forkAt: Lsn; readonly retracted?: { readonly from: Lsn; readonly to: Lsn } };
  readonly layout: readonly LayoutTopic[];
  readonly snapshots: readonly SnapshotState[];
  /** Shapes in force, so that a reader that starts here knows every table. */
  readonly relations: readonly TopicRelation[];
}

export interface LayoutTopic {
  readonly number: number;
  readonly name: string;
  readonly partitions: number;
  /** Next offset to be written per partition when the record was made. */
  readonly endOffsets: readonly bigint[];
}

/** A relation version under its topic: `version` counts up per topic and is what event headers name. */
export interface TopicRelation {
  readonly topic: number;
  readonly version: number;
  readonly relation: Relation;
}

/** A shape that begins here; before its first event; a barrier (R26, R37). */
export interface SchemaRecord extends RecordHead {
  readonly kind: 'schema';
  readonly at: Position;
  readonly shape: TopicRelation;
  readonly changes: readonly SchemaChange[];
  /** Old rows changed without events: the table is `building` until windows repaired it (R38). */
  readonly repair: boolean;
}

export interface LayoutRecord extends RecordHead {
  readonly kind: 'layout';
  readonly at: Position;
  readonly topics: readonly LayoutTopic[];
}

/** Names the events of whole leader commits, and moves the chain from `from` to `to`. Kind `progress` on the wire. */
export interface BatchRecord extends RecordHead {
  readonly kind: 'progress';
  readonly from: Position;
  readonly to: Position;
  readonly eventsEpoch: number;
  /** Commit times of the first and last transaction, microseconds since the epoch; 0 when idle. */
  readonly firstCommit_us: bigint;
  readonly lastCommit_us: bigint;
  readonly transactions: number;
  readonly events: bigint;
  readonly ranges: readonly RecordRange[];
  readonly barrier: boolean;
  /** Tables of this snapshot are complete as of `to`. */
  readonly snapshotDone: boolean;
  readonly chunk?: ChunkNote;
}

/** Events of one partition; `count` leaves tombstones out. */
export interface RecordRange {
  readonly topic: number;
  readonly partition: number;
  readonly first: bigint;
  readonly last: bigint;
  readonly count: number;
}

export interface ChunkNote {
  readonly snapshot: number;
  /** Topic number of the table. */
  readonly table: number;
  readonly chunk: number;
  /** Key cells after which the next chunk of this table starts; null when the table is finished. */
  readonly cursor: readonly string[] | null;
  /** A windowed chunk that replaces the follower's rows in (after, upTo] (§7 repair). Absent for an initial chunk. */
  readonly window?: { readonly after: readonly string[] | null; readonly upTo: readonly string[] | null };
}

export interface SnapshotState {
  /** Counts up per log. */
  readonly id: number;
  readonly kind: 'initial' | 'windowed';
  /** Initial: consistent point S. Windowed: position at which it was begun. */
  readonly startedAt: Position;
  readonly tables: readonly SnapshotTableState[];
}

export interface SnapshotTableState {
  readonly topic: number;
  /**
   * Ranges still to be read, in key order; empty when the table is finished. A keyless table has one range, open at both ends.
   */
  readonly remaining: readonly {
    readonly after: readonly string[] | null;
    readonly upTo: readonly string[] | null;
  }[];
}

/** §9 only; never counts. */
export interface IntentRecord extends RecordHead {
  readonly kind: 'intent';
  readonly number: bigint;
  readonly batch: Omit<BatchRecord, keyof RecordHead | 'kind'>;
}

/** Where a reader may start: a record known to count (§2). */
export interface Anchor {
  readonly offset: bigint;
  readonly epoch: number;
  readonly nonce: Uint8Array;
  readonly seq: bigint;
  readonly position: Position;
}
