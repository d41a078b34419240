import { createNarrow, endTable, markEnd, narrowRow, narrowTable, repeat, scaled } from './filling.js';
import type { Workload } from './workload.js';

const writers = 64;
const transactions = 640_000;
/** Every writer has keys of its own, so that none waits for another's row. */
const keysPerWriter = 1_000_000_000;

/** W6: one-row transactions of 64 writers at once, each of which inserts a row, updates it, inserts the next one. */
export const concurrentWriters: Workload = {
  name: 'W6',
  title: `${transactions.toLocaleString('en')} one-row transactions from ${writers} writers, inserts and updates`,
  tables: [narrowTable, endTable],
  createTables: createNarrow,
  async fill(leader, scale) {
    const each = scaled(transactions / writers, scale);
    await Promise.all(
      Array.from({ length: writers }, (_, writer) => {
        const id = `${writer * keysPerWriter}::bigint + i / 2`;
        return repeat(
          leader,
          each,
          `IF i % 2 = 0 THEN INSERT INTO narrow SELECT ${narrowRow(id)};
           ELSE UPDATE narrow SET a = a + 1, c = now() WHERE id = ${id}; END IF`,
        );
      }),
    );
    return markEnd(leader, each * writers, each * writers);
  },
};
