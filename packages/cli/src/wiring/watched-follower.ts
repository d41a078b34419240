import type {
  Follower,
  FollowerPartition,
  FollowerTransaction,
  PartitionedFollower,
} from '@millrace/follower';
import { type Clock, type DurationFigures, DurationTally } from '@millrace/runtime';

/** A call to a follower that is under way. */
export interface PendingCall {
  /** Its name in the port: `commit`. */
  readonly call: string;
  readonly since_ms: number;
}

export interface WatchedFollower {
  readonly follower: Follower;
  /** The call that has been under way for longest; undefined while none is. */
  pending(): PendingCall | undefined;
  /** How long the transactions took that were committed, begin to commit. */
  transactions(): DurationFigures;
}

/**
 * A follower whose calls are timed: one that neither answers nor fails (a frozen server, a lock somebody holds) would
 * otherwise look like a quiet one (promise 10).
 */
export function watchFollower(inner: Follower, clock: Clock): WatchedFollower {
  const calls = new Set<PendingCall>();
  const timed = async <T>(call: string, work: () => Promise<T>): Promise<T> => {
    const entry = { call, since_ms: clock.monotonic() };
    calls.add(entry);
    try {
      return await work();
    } finally {
      calls.delete(entry);
    }
  };
  const durations = new DurationTally();
  const watchTransaction = (tx: FollowerTransaction, begun_ms: number): FollowerTransaction => ({
    evolve: (table, changes) => timed('evolve', () => tx.evolve(table, changes)),
    forget: (table, options) => timed('forget', () => tx.forget(table, options)),
    write: (batch) => timed('write', () => tx.write(batch)),
    truncate: (tables) => timed('truncate', () => tx.truncate(tables)),
    deleteRange: (table, range, keep) => timed('deleteRange', () => tx.deleteRange(table, range, keep)),
    async commit() {
      await timed('commit', () => tx.commit());
      durations.observe((clock.monotonic() - begun_ms) / 1_000);
    },
    abort: () => timed('abort', () => tx.abort()),
  });
  const begin = (work: () => Promise<FollowerTransaction>): Promise<FollowerTransaction> => {
    const begun_ms = clock.monotonic();
    return timed('begin', async () => watchTransaction(await work(), begun_ms));
  };
  const watchPartition = (partition: FollowerPartition): FollowerPartition => ({
    capabilities: partition.capabilities,
    storeId: () => timed('storeId', () => partition.storeId()),
    takeOver: (owner) => timed('takeOver', () => partition.takeOver(owner)),
    position: () => timed('position', () => partition.position()),
    tables: () => timed('tables', () => partition.tables()),
    begin: (from, to) => begin(() => partition.begin(from, to)),
    beginAll: (from, to) =>
      timed('beginAll', async () => {
        const begun_ms = clock.monotonic();
        const tx = await partition.beginAll(from, to);
        return tx && watchTransaction(tx, begun_ms);
      }),
    close: () => timed('close', () => partition.close()),
  });
  const watchPartitions = (partitioned: PartitionedFollower): PartitionedFollower => ({
    register: (initial, count, options) =>
      timed('register', () => partitioned.register(initial, count, options)),
    rows: () => timed('rows', () => partitioned.rows()),
    open: (partition) => watchPartition(partitioned.open(partition)),
  });
  const follower: Follower = {
    capabilities: inner.capabilities,
    ...(inner.workers && { workers: inner.workers }),
    ...(inner.partitioned && { partitioned: watchPartitions(inner.partitioned) }),
    storeId: () => timed('storeId', () => inner.storeId()),
    register: (initial, options) => timed('register', () => inner.register(initial, options)),
    takeOver: (owner) => timed('takeOver', () => inner.takeOver(owner)),
    position: () => timed('position', () => inner.position()),
    tables: () => timed('tables', () => inner.tables()),
    begin: (from, to) => begin(() => inner.begin(from, to)),
    scan: (table) => inner.scan(table),
    close: () => timed('close', () => inner.close()),
  };
  return {
    follower,
    // A Set keeps the order of insertion.
    pending: () => calls.values().next().value,
    transactions: () => durations.figures(),
  };
}
