import type { Change, Lsn, Relation, RowImage, TransactionEnd, TransactionStart } from '@millrace/model';

/**
 * Port: a leader. The capture service drives it through the protocol's states (log-protocol §4); an adapter knows one
 * kind of leader and nothing of the log. Its contract:
 *
 * - `acquire` waits, visibly, until the slot is ours (R5) and holds it until the session closes. A slot that does not exist
 *   is created first by another connection, which stays idle so that its exported snapshot lives (§7).
 * - A session is used for one epoch. After any error it is closed and another one acquired (R12). `close` is idempotent
 *   and releases the slot.
 * - Sink methods are called in stream order, never in parallel, never after `stream` has settled.
 * - An exception from the sink ends `stream` with that error. Bytes that do not follow the protocol end it with
 *   MR-2011; a broken connection with MR-2012.
 * - Keepalives are answered by the adapter at all times, also while the sink has no room (promise 10).
 */
export interface Source {
  acquire(options: AcquireOptions): Promise<SourceSession>;
}

export interface AcquireOptions {
  readonly signal: AbortSignal;
  /** Called while waiting: who holds the slot, or why the leader cannot be reached. */
  readonly onWait: (reason: string) => void;
}

export interface LeaderIdentity {
  readonly systemId: bigint;
  readonly timeline: number;
  /** Oldest first: at `switchLsn` the leader left `timeline` for the next one. */
  readonly ancestry: readonly { readonly timeline: number; readonly switchLsn: Lsn }[];
}

/** The leader's WAL as it was when a session began. */
export interface LeaderWal {
  /** End of what is flushed; on a standby, of what it has replayed. */
  readonly end: Lsn;
  /** A standby: it replays what another server writes, and may be behind what it once had. */
  readonly isReplaying: boolean;
}

export interface SourceSession {
  readonly identity: LeaderIdentity;
  /** Read while this session's own walsender holds the slot: no session before it was sent anything beyond. */
  readonly wal: LeaderWal;
  /** The slot's confirmed LSN, read while this session's own walsender holds it (R7). */
  readonly confirmed: Lsn;
  /** Present when this session has just created the slot: its consistent point, and the snapshot exported there. */
  readonly created?: { readonly consistentPoint: Lsn; readonly snapshot: InitialSnapshot };
  /** The published tables as the catalogue describes them now. */
  relations(): Promise<readonly Relation[]>;
  /**
   * Streams from the slot's confirmed position into the sink until `signal` aborts (resolves) or an error (rejects).
   * Commits already covered are the caller's to drop (R1). `known`: the shapes in force where the stream resumes, as the log
   * holds them; with them column identities are certain even when the catalogue has moved on (R37).
   */
  stream(sink: SourceSink, signal: AbortSignal, known?: readonly Relation[]): Promise<void>;
  /**
   * Reports write (received), flush (counting in the log) and apply (in the named followers) to the leader, as they stand:
   * no + 1 (R2). Never goes back. Sent at once, and repeated on the adapter's own timer.
   */
  confirm(positions: { readonly write: Lsn; readonly flush: Lsn; readonly apply: Lsn }): void;
  /**
   * By what each of these tables belongs to the publication, as a text by relation id: another text than before, and it was taken out
   * and put back, or is published on other terms (a row filter), since. Tables that are not published are left out.
   */
  memberships(relations: readonly Relation[]): Promise<ReadonlyMap<number, string>>;
  /** The leader's present WAL position. */
  leaderPosition(): Promise<Lsn>;
  /** Windowed reads of tables while streaming (§7). */
  readonly windows: WindowReader;
  /** Left out: the leader has no tables whose rows come and go without events. */
  readonly partitions?: PartitionedTables;
  close(): Promise<void>;
}

/**
 * Tables that are published as one while their rows lie in partitions. Of rows that come or go with a partition (attached,
 * detached, dropped, truncated) the stream says nothing.
 */
export interface PartitionedTables {
  /** Where the rows of each such table lie now. */
  look(): Promise<PartitionsByTable>;
  /** Of these partitions, those that may have had rows when they became one: whose rows were not all told as inserts. */
  cameWithRows(ids: readonly number[]): Promise<ReadonlySet<number>>;
  /**
   * Has the stream say that the table's rows changed without events: `relation` is called as for a rewrite, with these words, at a
   * place behind this call, and again whenever the stream is resumed before that place. Resolves when that is durable.
   */
  suspect(relationId: number, words: string): Promise<void>;
}

/** By relation id. */
export type PartitionsByTable = ReadonlyMap<number, readonly Partition[]>;

export interface Partition {
  readonly id: number;
  readonly name: string;
  /** Another number: all its rows were replaced, by none or by the same ones. */
  readonly file: number;
}

/** What the stream delivers. Flyweights are valid only during the call. */
export interface SourceSink {
  begin(start: TransactionStart): void;
  change(change: Change): void;
  /** A logical message of ours inside the present transaction: a window's watermark. */
  watermark(mark: Watermark): void;
  commit(end: TransactionEnd): void;
  /** The leader has nothing before `at` that it has not sent (R14). Only between transactions. */
  keepalive(at: Lsn): void;
  /**
   * A table's shape is new or different from the one its last event had; called before its first event. `certain` false
   * with a reason: R37/R38 cannot be met, and the sink decides by policy. A promise: nothing more is delivered until it
   * resolves (encoders are compiled and schemas registered meanwhile); its rejection ends `stream` like an exception.
   */
  relation(relation: Relation, certainty: SchemaCertainty): Promise<void> | undefined;
  /** Undefined: go on. A promise: stop reading until it resolves (backpressure in bytes). Asked after every read. */
  room(): Promise<void> | undefined;
}

export type SchemaCertainty =
  | { readonly certain: true }
  /** Column identity is certain, but old rows changed without events (rewrite, volatile default): R38. */
  | { readonly certain: true; readonly rewritten: string }
  /** Column identity itself cannot be told (catalogue moved on): R38. */
  | { readonly certain: false; readonly reason: string };

export interface Watermark {
  readonly kind: 'low' | 'high';
  readonly epoch: number;
  readonly chunk: number;
}

/**
 * Which rows a chunk covers: of a keyed table, those with after < key ≤ upTo in key order; of another, the whole table.
 * `after` equal to `upTo`, cell by cell: exactly the row with that key.
 */
export interface KeyRange {
  /** Key cells in key order, PostgreSQL text; null: from the start. */
  readonly after: readonly string[] | null;
  /** null: to the end. */
  readonly upTo: readonly string[] | null;
}

/** Takes rows one after another. */
export interface RowReceiver {
  /** A flyweight, valid during the call. */
  row(image: RowImage): void;
  /** Asked after every read. Undefined: go on. A promise: no row before it resolves. */
  room(): Promise<void> | undefined;
}

/** The initial snapshot, readable in parallel at `consistentPoint` until closed, at the latest by `stream`. */
export interface InitialSnapshot {
  readonly tables: readonly SnapshotTable[];
  /** Where the rows of tables in partitions lay. */
  readonly partitions?: PartitionsByTable;
  /** Cuts a table into chunks of about `rows` rows. Chunks of a keyed table are key ranges in key order. */
  plan(table: SnapshotTable, rows: number): Promise<readonly KeyRange[]>;
  /** Reads a chunk, handing each row to `row` (a flyweight) and awaiting `room` after every read. Runs in parallel with other chunks. */
  read(table: SnapshotTable, range: KeyRange, to: RowReceiver, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface SnapshotTable {
  readonly relation: Relation;
  /** pg_class.reltuples, or −1. */
  readonly estimatedRows: number;
}

/** What the leader's transactions looked like to a chunk's read: pg_current_snapshot(). */
export interface Visibility {
  readonly xmin: bigint;
  readonly xmax: bigint;
  readonly inProgress: readonly bigint[];
}

export interface WindowReader {
  /**
   * Writes LOW (a transactional logical message, synchronous_commit = local, R16), reads rows of `range` together with
   * pg_current_snapshot() in one REPEATABLE READ transaction, then writes HIGH. A chunk of bounded `rows` is held in memory, at
   * most `max_bytes` of it: a smaller range is returned when it would be more, with at least one row. A range that is read
   * whole is never cut: beyond `max_bytes` its rows go to a temporary file. The chunk's rows are the caller's to close; after a
   * rejection nothing is left behind. MR-2013: the table was dropped, or is not published any more; other reads go on.
   */
  read(request: WindowRequest): Promise<WindowChunk>;
}

export interface WindowRequest {
  readonly relation: Relation;
  readonly range: KeyRange;
  /**
   * Rows after `range.after` to read at most, in key order; null: the whole range, in any order. A table that has no key when it
   * is read is read whole in any case.
   */
  readonly rows: number | null;
  /** Memory for rows. */
  readonly max_bytes: number;
  readonly epoch: number;
  readonly chunk: number;
  readonly signal: AbortSignal;
}

export interface WindowChunk {
  readonly rows: WindowRows;
  /** The range that `rows` covers completely; `upTo` null when the table's end was reached. */
  readonly range: KeyRange;
  readonly visibility: Visibility;
  /** The table's shape as the read saw it; when it differs from the stream's at HIGH, the chunk is discarded. */
  readonly relation: Relation;
}

/** Rows that were read, in memory or in a temporary file. */
export interface WindowRows {
  readonly count: number;
  /** They did not fit into memory. */
  readonly spooled: boolean;
  /** Hands over every row, as often as wanted, but not twice at the same time. Asks for room every few hundred KiB. */
  each(to: RowReceiver): Promise<void>;
  /** Gives memory and file back. Idempotent; not while `each` runs. */
  close(): Promise<void>;
}
