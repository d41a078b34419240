import type { Position, Relation, Row, RowSink, SchemaChange } from '@millrace/model';
import type { PartitionedFollower } from './partitions.js';
import type { WorkerTable } from './workers.js';

/**
 * Port: a follower store. The applier drives it; an adapter knows one kind of store and nothing of the log or the codec.
 * Its contract:
 *
 * - The position lives in the store, in the same transaction as the rows (promise 4); stores that cannot say so in
 *   `capabilities`.
 * - `takeOver` puts a fresh owner into the position row in its own transaction (§6). From then on a transaction begun by an earlier
 *   owner fails with MR-4003 before it changes a row (promise 6).
 * - `begin(from, to)` first checks and moves the position row in one statement: owner, history, end and anchor must all be
 *   as `from` says (R21), exactly one row; then its lock orders a takeover against the commit in flight (R22). A
 *   mismatch is MR-4003 when the owner differs, MR-4004 when only the position does.
 * - Between `begin` and `commit` calls come one at a time, in order. Rows may be written in any number of calls: a leader
 *   transaction may be larger than memory (promise 7). Nothing is visible before `commit`. A call may return while the store
 *   still works on its rows (it has copied what it needs of them): a refusal comes out at the latest from `commit`.
 * - `commit` whose outcome is unknown throws MR-4011: the applier forgets everything and takes over again.
 * - A transaction whose `from` or `to` is not exact, and a table that is not, count as building (R30).
 * - Values the store cannot hold exactly throw MR-5001 (promise 8); a refused row MR-4006 naming table and constraint.
 */
export interface Follower {
  readonly capabilities: FollowerCapabilities;
  /** Who else works on it; absent where only one process can open the store, so that its lock is the hint. */
  readonly workers?: WorkerTable;
  /** Several workers at once, each on some partitions; absent where the store cannot. */
  readonly partitioned?: PartitionedFollower;
  /** Identifies the store through restarts and restores: made at registration, kept in the store. 16 bytes. Undefined before. */
  storeId(): Promise<Uint8Array | undefined>;
  /** Creates Millrace's own tables and the position row, unless there is one; resets it when `reset` is true (resync). */
  register(initial: StoredPosition, options: { readonly reset: boolean }): Promise<void>;
  /** Puts `owner` (16 random bytes) into the row and returns the row; undefined when not registered. */
  takeOver(owner: Uint8Array): Promise<StoredPosition | undefined>;
  /** The row as it stands, without taking over (R23); undefined when not registered. */
  position(): Promise<(StoredPosition & { readonly owner: Uint8Array }) | undefined>;
  /** The tables as the follower mirrors them at its position, with their state. */
  tables(): Promise<readonly MirroredTable[]>;
  begin(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction>;
  /**
   * All rows of a mirrored table as PostgreSQL text, in key order (numbers by value, text by bytes; keyless tables in any
   * fixed order), for verification. Sees commits only.
   */
  scan(table: Relation): AsyncIterable<readonly Row[]>;
  close(): Promise<void>;
}

export interface FollowerCapabilities {
  readonly kind: string;
  /** Rows and position in one transaction. */
  readonly transactional: boolean;
  /** Schema changes roll back with the transaction. */
  readonly transactionalSchema: boolean;
  /** Only one process can open the store at a time. */
  readonly singleOwner: boolean;
}

export type FollowerState =
  /** Equals the replay of the leader's commits up to the position. */
  | 'exact'
  /** A snapshot is not complete yet: updates and deletes of absent rows are ignored (R30). */
  | 'building'
  /** Beyond a fork (R32). */
  | 'diverged'
  | 'stopped';

export interface StoredPosition {
  readonly logId: Uint8Array;
  readonly position: Position;
  /** Encoded anchor (offset, epoch, nonce, seq, Position) of the last applied record; opaque here, compared as bytes. */
  readonly anchor: Uint8Array;
  readonly state: FollowerState;
  /** Opaque notes of the applier that must move with the position (which snapshot it waits for), JSON text. */
  readonly notes: string;
}

export interface MirroredTable {
  /** Topic that feeds the table; with `version`, identifies the relation version. */
  readonly topic: string;
  readonly version: number;
  readonly relation: Relation;
  readonly state: 'exact' | 'building';
}

/**
 * One follower transaction. Within `write` the applier has coalesced per key: each key occurs at most once over the four
 * lists of one call (by its text: `1.0` and `1.00` are two keys), so adapters run deletes, moves, patches, upserts in that
 * order; between calls order matters. Keys compare as the store's types do. A row that was inserted and deleted between
 * two calls appears in none of the lists: its delete would find nothing.
 */
export interface FollowerTransaction {
  /**
   * Applies schema changes at their place in the stream and stores the table's new version and state; no changes only store
   * those. `create-table` leaves an empty table, also where one was mirrored under the same topic before.
   */
  evolve(table: MirroredTable, changes: readonly SchemaChange[]): Promise<void>;
  /** The table is no longer fed (dropped on the leader, or unpublished): forget it; its rows stay unless `drop`. */
  forget(table: MirroredTable, options: { readonly drop: boolean }): Promise<void>;
  write(batch: TableBatch): Promise<void>;
  /**
   * The bulk lane: a sink for new rows of an exact table, in the store's own form. Undefined: the store has none, or not for this
   * table now; new rows then come as `upserts` or `inserts`.
   */
  newRows(table: MirroredTable): NewRowsSink | undefined;
  truncate(tables: readonly MirroredTable[]): Promise<void>;
  /**
   * Deletes rows with after < key ≤ upTo (key cells in key order; nulls: open ends) whose key is not among `keep`: repair
   * chunks (§7). `after` equal to `upTo`, cell by cell, means exactly the row with that key. Keys compare as in the model's `hasPortableOrder`;
   * ranges of other keys must be open at both ends, else MR-4008.
   * Of a keyless table everything is deleted.
   */
  deleteRange(
    table: MirroredTable,
    range: { readonly after: Row | null; readonly upTo: Row | null },
    keep: readonly Row[],
  ): Promise<void>;
  commit(): Promise<void>;
  /** Rolls back. Never throws; also called after a failed call. */
  abort(): Promise<void>;
}

/** Rows that a sink gathered, in the form that only its follower knows. */
export interface NewRows {
  readonly count: number;
}

/** Gathers new rows. Makes nothing of the store's, and lives as long as its transaction. */
export interface NewRowsSink extends RowSink {
  /** Whole rows since the last `take`. */
  readonly count: number;
  /** Hands over what has gathered, and starts over. What was handed over stays valid until it is written. */
  take(): NewRows;
}

export interface TableBatch {
  readonly table: MirroredTable;
  /**
   * Rows from the sink of this transaction's `newRows`: the leader inserted them, and their keys were not in the table. A batch
   * with new rows holds nothing else. Where the store finds a row of the same key or of a unique constraint of its own, it
   * replaces it as an upsert does, or throws MR-4006.
   */
  readonly newRows?: NewRows;
  /** Full rows to insert or replace by key. Keyed tables only. */
  readonly upserts: readonly Row[];
  /**
   * Rows with absent (undefined) cells: update the present cells of the row with this key. While `building` a missing row is ignored
   * (R30), otherwise MR-4010.
   */
  readonly patches: readonly Row[];
  /** Key changes with absent cells: the row with `key` becomes `row`, absent cells keep their value. */
  readonly moves: readonly { readonly key: Row; readonly row: Row }[];
  /** Key cells (in key order) of rows to delete. While exact, a missing row is MR-4010 only where the store can tell at no cost. */
  readonly deletes: readonly Row[];
  /** Keyless tables: full rows to add, and full rows of which one copy each is to be removed. */
  readonly inserts: readonly Row[];
  readonly removes: readonly Row[];
}
