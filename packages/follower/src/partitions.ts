import type { PositionRow } from './fence.js';
import type { Follower, FollowerTransaction, StoredPosition } from './port.js';

/**
 * Capability of stores on which several workers apply one follower at once, each the events of some partitions (R25 to R27).
 * Its contract, beside the follower's own:
 *
 * - There is a position row per partition, from registration on, each with an owner of its own. A transaction moves one row, by
 *   the same statement and under the same conditions as in transactional mode (R21, R22), and writes rows whose keys belong to
 *   that partition. Transactions of different partitions run side by side and do not meet.
 * - What concerns all partitions is a barrier (R26): `beginAll` moves all rows together or none.
 * - A follower is registered in one of the two modes. Using it in the other is MR-4013; only a reset registration changes it.
 * - A table that holds unique constraints which do not contain its key, exclusion constraints, or foreign keys, or whose key
 *   compares keys of different text as equal (they may live on different partitions), is MR-4014 (R27),
 *   at the latest before the first row is written into it.
 */
export interface PartitionedFollower {
  /**
   * Creates Millrace's own tables and the rows 0 … `count` − 1, all standing at `initial`, unless rows are there; replaces
   * all rows when `reset` is true.
   */
  register(initial: StoredPosition, count: number, options: { readonly reset: boolean }): Promise<void>;
  /** All rows in the order of their partitions, as of one instant; empty when not registered. */
  rows(): Promise<readonly PositionRow[]>;
  /** A handle on one partition, with connections of its own. */
  open(partition: number): FollowerPartition;
}

/** One partition of a follower, as the applier of a whole one sees it. `tables` looks anew: other partitions' barriers change them. */
export interface FollowerPartition
  extends Pick<
    Follower,
    'capabilities' | 'storeId' | 'takeOver' | 'position' | 'tables' | 'begin' | 'close'
  > {
  /**
   * R26: a transaction that moves the rows of all partitions from `from` to `to`. Checks, under the locks of all rows, that
   * this handle owns its own row (MR-4003) and that it stands at `from` (MR-4004). Undefined, and nothing changed, while
   * another row has not arrived at `from`.
   */
  beginAll(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction | undefined>;
}
