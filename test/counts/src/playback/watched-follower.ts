import type { Follower, FollowerTransaction, StoredPosition } from '@millrace/follower';

/** Stands around every follower transaction. */
export interface TransactionWatch {
  before(to: StoredPosition): Promise<void>;
  after(to: StoredPosition): Promise<void>;
}

/** A follower without workers, one transaction of which after another is watched. */
export function watchedFollower(follower: Follower, watch: TransactionWatch): Follower {
  return {
    capabilities: follower.capabilities,
    storeId: () => follower.storeId(),
    register: (initial, options) => follower.register(initial, options),
    takeOver: (owner) => follower.takeOver(owner),
    position: () => follower.position(),
    tables: () => follower.tables(),
    begin: async (from, to) => {
      await watch.before(to);
      return watchedTransaction(await follower.begin(from, to), () => watch.after(to));
    },
    scan: (table) => follower.scan(table),
    close: () => follower.close(),
  };
}

function watchedTransaction(inner: FollowerTransaction, committed: () => Promise<void>): FollowerTransaction {
  return {
    evolve: (table, changes) => inner.evolve(table, changes),
    forget: (table, options) => inner.forget(table, options),
    write: (batch) => inner.write(batch),
    newRows: (table) => inner.newRows(table),
    truncate: (tables) => inner.truncate(tables),
    deleteRange: (table, range, keep) => inner.deleteRange(table, range, keep),
    commit: async () => {
      await inner.commit();
      await committed();
    },
    abort: () => inner.abort(),
  };
}
