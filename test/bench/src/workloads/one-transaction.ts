import { createNarrow, endTable, markEnd, narrowRow, narrowTable, scaled, withClient } from './filling.js';
import type { Workload } from './workload.js';

const rows = 5_000_000;

/** W5: one transaction far larger than anybody's memory should be. */
export const oneTransaction: Workload = {
  name: 'W5',
  title: `one transaction of ${rows.toLocaleString('en')} narrow inserts`,
  tables: [narrowTable, endTable],
  createTables: createNarrow,
  async fill(leader, scale) {
    const count = scaled(rows, scale);
    await withClient(leader, (client) =>
      client.query(
        `INSERT INTO narrow SELECT ${narrowRow('g')} FROM generate_series(1::bigint, ${count}::bigint) g`,
      ),
    );
    return markEnd(leader, count, 1);
  },
};
