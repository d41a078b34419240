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

/** The calls that are under way, and how long transactions took. */
class CallWatch {
  readonly #clock: Clock;
  readonly #calls = new Set<PendingCall>();
  readonly #durations = new DurationTally();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The oldest: a Set keeps the order of insertion. */
  pending(): PendingCall | undefined {
    return this.#calls.values().next().value;
  }

  transactions(): DurationFigures {
    return this.#durations.figures();
  }

  async timed<T>(call: string, work: () => Promise<T>): Promise<T> {
    const entry = { call, since_ms: this.#clock.monotonic() };
    this.#calls.add(entry);
    try {
      return await work();
    } finally {
      this.#calls.delete(entry);
    }
  }

  /** Begins a transaction by `call`, whose own calls are timed, and itself from here to its commit. */
  async begun<T extends FollowerTransaction | undefined>(
    call: string,
    work: () => Promise<T>,
  ): Promise<FollowerTransaction | Extract<T, undefined>> {
    const begun_ms = this.#clock.monotonic();
    return this.timed(call, async () => {
      const tx = await work();
      return tx === undefined ? (tx as Extract<T, undefined>) : this.#transaction(tx, begun_ms);
    });
  }

  #transaction(tx: FollowerTransaction, begun_ms: number): FollowerTransaction {
    return {
      evolve: (table, changes) => this.timed('evolve', () => tx.evolve(table, changes)),
      forget: (table, options) => this.timed('forget', () => tx.forget(table, options)),
      write: (batch) => this.timed('write', () => tx.write(batch)),
      newRows: (table) => tx.newRows(table),
      truncate: (tables) => this.timed('truncate', () => tx.truncate(tables)),
      deleteRange: (table, range, keep) =>
        this.timed('deleteRange', () => tx.deleteRange(table, range, keep)),
      commit: async () => {
        await this.timed('commit', () => tx.commit());
        this.#durations.observe((this.#clock.monotonic() - begun_ms) / 1_000);
      },
      abort: () => this.timed('abort', () => tx.abort()),
    };
  }
}

function watchPartition(partition: FollowerPartition, watch: CallWatch): FollowerPartition {
  return {
    capabilities: partition.capabilities,
    storeId: () => watch.timed('storeId', () => partition.storeId()),
    takeOver: (owner) => watch.timed('takeOver', () => partition.takeOver(owner)),
    position: () => watch.timed('position', () => partition.position()),
    tables: () => watch.timed('tables', () => partition.tables()),
    begin: (from, to) => watch.begun('begin', () => partition.begin(from, to)),
    beginAll: (from, to) => watch.begun('beginAll', () => partition.beginAll(from, to)),
    close: () => watch.timed('close', () => partition.close()),
  };
}

function watchPartitions(partitioned: PartitionedFollower, watch: CallWatch): PartitionedFollower {
  return {
    register: (initial, count, options) =>
      watch.timed('register', () => partitioned.register(initial, count, options)),
    rows: () => watch.timed('rows', () => partitioned.rows()),
    open: (partition) => watchPartition(partitioned.open(partition), watch),
  };
}

/**
 * A follower whose calls are timed: one that neither answers nor fails (a frozen server, a lock somebody holds) would
 * otherwise look like a quiet one (promise 10).
 */
export function watchFollower(inner: Follower, clock: Clock): WatchedFollower {
  const watch = new CallWatch(clock);
  const follower: Follower = {
    capabilities: inner.capabilities,
    ...(inner.workers && { workers: inner.workers }),
    ...(inner.partitioned && { partitioned: watchPartitions(inner.partitioned, watch) }),
    storeId: () => watch.timed('storeId', () => inner.storeId()),
    register: (initial, options) => watch.timed('register', () => inner.register(initial, options)),
    takeOver: (owner) => watch.timed('takeOver', () => inner.takeOver(owner)),
    position: () => watch.timed('position', () => inner.position()),
    tables: () => watch.timed('tables', () => inner.tables()),
    begin: (from, to) => watch.begun('begin', () => inner.begin(from, to)),
    scan: (table) => inner.scan(table),
    close: () => watch.timed('close', () => inner.close()),
  };
  return { follower, pending: () => watch.pending(), transactions: () => watch.transactions() };
}
