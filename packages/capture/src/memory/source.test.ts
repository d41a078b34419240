import type { Relation, Row } from '@millrace/model';
import { systemClock } from '@millrace/runtime';
import { describeSourceConformance, type LeaderDriver, type SourceHarness } from '../conformance.js';
import { MemoryLeader } from './leader.js';
import { testColumn, testRelation } from './shop.js';
import { MemorySource } from './source.js';

function driverOf(leader: MemoryLeader): LeaderDriver {
  const oids = new Map<string, number>();
  const oidOf = (table: string): number => oids.get(table) ?? 0;
  const must = (done: boolean): void => {
    if (!done) throw new Error('the memory leader refused a statement');
  };
  return {
    async createTable({ name, columns, key, identity }) {
      const oid = 16_000 + oids.size;
      oids.set(name, oid);
      const keyed = (column: string): boolean => key.includes(column);
      const relation = testRelation(oid, name, {
        identity,
        key: key.map((column) => columns.findIndex((each) => each.name === column)),
        columns: columns.map((column, i) =>
          testColumn(i + 1, column.name, column.type, { notNull: keyed(column.name) }),
        ),
      });
      leader.createTable(relation);
    },
    async addColumn(table, name, value) {
      const relation = leader.relation(oidOf(table));
      const wider: Relation = {
        ...relation,
        columns: [
          ...relation.columns,
          testColumn(relation.columns.length + 1, name, 'text', { missing: value }),
        ],
      };
      leader.alter(wider, (row: Row) => [...row, value]);
    },
    async begin() {
      const transaction = leader.begin();
      return {
        insert: async (table, rows) => must(transaction.insert(oidOf(table), ...rows)),
        update: async (table, row, after) => must(transaction.update(oidOf(table), row, after)),
        delete: async (table, row) => must(transaction.delete(oidOf(table), row)),
        truncate: async (table) => must(transaction.truncate(oidOf(table))),
        commit: async () => void transaction.commit(),
        rollback: async () => transaction.rollback(),
      };
    },
    async breakConnection() {
      leader.cutConnection('broken by the test');
    },
  };
}

describeSourceConformance('memory', async (): Promise<SourceHarness> => {
  const leader = new MemoryLeader({ clock: systemClock });
  return {
    leader: driverOf(leader),
    source: () => new MemorySource({ leader, clock: systemClock, random: Math.random, keepalive_ms: 10 }),
    largeText: 'large '.repeat(500),
    destroy: async () => {},
  };
});
