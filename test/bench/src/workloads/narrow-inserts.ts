import { createNarrow, endTable, markEnd, narrowRow, narrowTable, repeat, scaled } from './filling.js';
import type { Workload, WorkloadName } from './workload.js';

/** W2: narrow inserts, `perTransaction` rows to a commit. */
export function narrowInserts(name: WorkloadName, rows: number, perTransaction: number): Workload {
  return {
    name,
    title: `${rows.toLocaleString('en')} narrow inserts, ${perTransaction.toLocaleString('en')} per transaction`,
    tables: [narrowTable, endTable],
    createTables: createNarrow,
    async fill(leader, scale) {
      const transactions = scaled(rows / perTransaction, scale);
      const select = `SELECT ${narrowRow('g')} FROM generate_series(i * ${perTransaction}::bigint + 1, (i + 1) * ${perTransaction}::bigint) g`;
      await repeat(leader, transactions, `INSERT INTO narrow ${select}`);
      return markEnd(leader, transactions * perTransaction, transactions);
    },
  };
}
