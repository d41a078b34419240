/** What to do when a follower holds an older position than it reported (R23). */
export type OnRestore =
  /** MR-4004, a page, and nothing applied until an operator decides. */
  | 'stop'
  /** Resume from the follower's own position, while the chain from its anchor verifies. */
  | 'replay';

/** What to do with a change of a table's shape. New tables are always made. */
export type SchemaPolicy =
  /** Apply it at its place in the stream. */
  | 'evolve'
  /** Stop with MR-4008. */
  | 'strict'
  /** Keep the follower's shape: new columns are left out, dropped ones become null. */
  | 'ignore';

export interface ApplierPolicies {
  readonly onRestore: OnRestore;
  readonly schema: SchemaPolicy;
}

export const defaultPolicies: ApplierPolicies = { onRestore: 'stop', schema: 'evolve' };

/** How workers share a follower. */
export type ApplierMode =
  /** One works, the others stand by: the follower moves from one leader commit to a later one, across all its tables. */
  | { readonly kind: 'transactional' }
  /**
   * Any number at once, each on some of `partitions` partitions: the promise is per key, and the follower says up to which
   * commit it is complete. What was registered counts; another number takes effect with the next registration (resync).
   */
  | { readonly kind: 'partitioned'; readonly partitions: number };

/** Bounds of an applier (promise 7). Sizes in bytes of the events as they stand in the log. */
export interface ApplierLimits {
  /** Rows of one follower transaction, unless a single record holds more. */
  readonly group_events: number;
  /** Bytes of one follower transaction, by the average of those before, unless a single record holds more. */
  readonly group_bytes: number;
  /** Records of one follower transaction. */
  readonly group_records: number;
  /** What gathers before rows are handed to the follower; twice this much is held at most. */
  readonly write_bytes: number;
  readonly write_rows: number;
  /** One read from a partition of the log. */
  readonly read_bytes: number;
  /** Counting records read ahead of the one being applied. */
  readonly ahead_records: number;
  /** Quiet time after which the position row is looked at (R23). */
  readonly idle_ms: number;
  /** Least pause between two reports of the follower's position. */
  readonly report_ms: number;
  /** Pause between two signs of life to the other workers of the follower. */
  readonly worker_beat_ms: number;
  /** Silence after which a worker counts as gone and another takes over. A stall of this length costs a takeover, no data. */
  readonly worker_silence_ms: number;
}

export const defaultLimits: ApplierLimits = {
  group_events: 100_000,
  group_bytes: 64 * 1024 * 1024,
  group_records: 1_000,
  write_bytes: 8 * 1024 * 1024,
  write_rows: 50_000,
  read_bytes: 1024 * 1024,
  ahead_records: 2_048,
  idle_ms: 5_000,
  report_ms: 250,
  worker_beat_ms: 500,
  worker_silence_ms: 3_000,
};
