import type { Follower, FollowerTransaction, StoredPosition } from '@millrace/follower';
import { MemoryFollower, type MemoryFollowerStore } from '@millrace/follower';
import type { SchemaChange } from '@millrace/model';

/** R21 broken: the position row's owner is not in the WHERE, only its position. */
export function ignoringOwner(follower: Follower, store: MemoryFollowerStore): Follower {
  return {
    ...bound(follower),
    async begin(from, to) {
      await follower.position();
      const anybody = new MemoryFollower(store);
      const row = store.state.row;
      if (row) await anybody.takeOver(row.owner);
      return await anybody.begin(from, to);
    },
  };
}

/** R21 broken: the old position is not in the WHERE, only the owner. */
export function ignoringPosition(follower: Follower, store: MemoryFollowerStore): Follower {
  return {
    ...bound(follower),
    begin: async (from, to) => await follower.begin(asItStands(store, from), to),
  };
}

/** The row's position in place of the one the applier expects. */
function asItStands(store: MemoryFollowerStore, from: StoredPosition): StoredPosition {
  const { row } = store.state;
  return row ? { ...from, position: row.position, anchor: row.anchor } : from;
}

/** R22 broken: rows first, the position row at the end and by then unchecked. */
export function positionLast(follower: Follower, store: MemoryFollowerStore): Follower {
  return {
    ...bound(follower),
    async begin(_from, to) {
      await follower.position();
      const work: ((transaction: FollowerTransaction) => Promise<void>)[] = [];
      const later = (step: (transaction: FollowerTransaction) => Promise<void>): Promise<void> => {
        work.push(step);
        return follower.position().then(() => undefined);
      };
      return {
        evolve: (table, changes) => later((transaction) => transaction.evolve(table, changes)),
        forget: (table, options) => later((transaction) => transaction.forget(table, options)),
        write: (batch) => later((transaction) => transaction.write(batch)),
        newRows: () => undefined,
        truncate: (tables) => later((transaction) => transaction.truncate(tables)),
        deleteRange: (table, range, keep) =>
          later((transaction) => transaction.deleteRange(table, range, keep)),
        abort: async () => {},
        async commit() {
          const anybody = new MemoryFollower(store);
          const { row } = store.state;
          if (!row) return;
          await anybody.takeOver(row.owner);
          const transaction = await anybody.begin(row, to);
          for (const step of work) await step(transaction);
          await transaction.commit();
        },
      };
    },
  };
}

/** R37 broken: a rename is read as a drop and an add, as one who only sees column lists would. */
export function renameAsDropAndAdd(follower: Follower): Follower {
  return {
    ...bound(follower),
    async begin(from, to) {
      const transaction = await follower.begin(from, to);
      return {
        ...boundTransaction(transaction),
        async evolve(table, changes) {
          const renamed = changes.find(isRename);
          if (!renamed) return await transaction.evolve(table, changes);
          const columns = table.relation.columns.filter(({ attnum }) => attnum !== renamed.column.attnum);
          const without = { ...table, relation: { ...table.relation, columns } };
          await transaction.evolve(without, [{ kind: 'drop-column', column: renamed.column }]);
          await transaction.evolve(table, [{ kind: 'add-column', column: renamed.column }]);
        },
      };
    },
  };
}

const isRename = (change: SchemaChange): change is Extract<SchemaChange, { kind: 'rename-column' }> =>
  change.kind === 'rename-column';

const bound = (follower: Follower): Follower => ({
  capabilities: follower.capabilities,
  storeId: () => follower.storeId(),
  register: (initial, options) => follower.register(initial, options),
  takeOver: (owner) => follower.takeOver(owner),
  position: () => follower.position(),
  tables: () => follower.tables(),
  begin: (from, to) => follower.begin(from, to),
  scan: (table) => follower.scan(table),
  close: () => follower.close(),
});

const boundTransaction = (transaction: FollowerTransaction): FollowerTransaction => ({
  evolve: (table, changes) => transaction.evolve(table, changes),
  forget: (table, options) => transaction.forget(table, options),
  write: (batch) => transaction.write(batch),
  newRows: (table) => transaction.newRows(table),
  truncate: (tables) => transaction.truncate(tables),
  deleteRange: (table, range, keep) => transaction.deleteRange(table, range, keep),
  commit: () => transaction.commit(),
  abort: () => transaction.abort(),
});
