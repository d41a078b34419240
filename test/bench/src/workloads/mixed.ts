import { createNarrow, endTable, markEnd, narrowRow, narrowTable, repeat, scaled } from './filling.js';
import type { Workload } from './workload.js';

const transactions = 80_000;
const inserts = 14;
const updates = 4;
const deletes = 2;
const perTransaction = inserts + updates + deletes;

/** W8: each transaction inserts 14 rows, updates 4 and deletes 2 of the transaction before it. */
export const mixed: Workload = {
  name: 'W8',
  title: `${(transactions * perTransaction).toLocaleString('en')} changes of narrow rows, ${perTransaction} per transaction, 70 % inserts, 20 % updates, 10 % deletes`,
  tables: [narrowTable, endTable],
  createTables: createNarrow,
  async fill(leader, scale) {
    const count = scaled(transactions, scale);
    const first = `i * ${inserts}::bigint + 1`;
    const before = `(i - 1) * ${inserts}::bigint`;
    await repeat(
      leader,
      count,
      `INSERT INTO narrow SELECT ${narrowRow('g')} FROM generate_series(${first}, (i + 1) * ${inserts}::bigint) g;
       UPDATE narrow SET a = a + 1, c = now() WHERE id BETWEEN ${before} + 1 AND ${before} + ${updates};
       DELETE FROM narrow WHERE id BETWEEN ${before} + ${inserts - deletes + 1} AND ${before} + ${inserts}`,
    );
    // The first transaction finds nothing to change.
    return markEnd(leader, count * perTransaction - updates - deletes, count);
  },
};
