import { createTables, endTable, markEnd, repeat, scaled } from './filling.js';
import type { Workload } from './workload.js';

const inserts = 4_000;
const insertsPerTransaction = 10;
const updates = 200_000;
const updatesPerTransaction = 100;
const toast_bytes = 50_000;
const md5_bytes = 32;

/** 26 scalar columns beside the key, the document, the large value and the time of the last change: 30. */
const scalars = [
  ...list(10, (n) => [`i${n} int`, `g % 1000 + ${n}`]),
  ...list(4, (n) => [`n${n} numeric(12,2)`, `g / 7.0 + ${n}`]),
  ...list(6, (n) => [`t${n} text`, `'text ${n} of row ' || g`]),
  ...list(2, (n) => [`b${n} boolean`, `g % ${n + 2} = 0`]),
  ...list(2, (n) => [`f${n} float8`, `g * 1.5 + ${n}`]),
  ...list(1, () => ['d date', `date '2024-01-01' + (g % 365)::int`]),
  ...list(1, () => ['u uuid', 'md5(g::text)::uuid']),
];

function list(count: number, make: (n: number) => [string, string]): [string, string][] {
  return Array.from({ length: count }, (_, n) => make(n + 1));
}

/** About 2 kB of JSON that compression does not make much smaller. */
const documentOf = (seed: string): string =>
  `(SELECT jsonb_object_agg('field' || k, md5(${seed} || '/' || k)) FROM generate_series(1, 42) k)`;

/** Kept out of line and uncompressed: 50 kB of TOAST per row. */
const largeOf = (seed: string): string =>
  `(SELECT string_agg(md5(${seed} || '.' || k), '') FROM generate_series(1, ${Math.ceil(toast_bytes / md5_bytes)}) k)`;

const tableSql = `CREATE TABLE wide (id bigint PRIMARY KEY, ${scalars.map(([column]) => column).join(', ')},
    doc jsonb, large text STORAGE EXTERNAL, changed timestamptz)`;

/** W3: wide rows with a document and a large value; the updates change the document and leave the large value alone. */
export const wideRows: Workload = {
  name: 'W3',
  title: `${inserts.toLocaleString('en')} rows of 30 columns with 2 kB of jsonb and 50 kB of TOAST, ${updates.toLocaleString('en')} updates that spare the TOAST`,
  tables: ['public.wide', endTable],
  createTables: (leader) => createTables(leader, tableSql),
  async fill(leader, scale) {
    const insertions = scaled(inserts / insertsPerTransaction, scale);
    const changes = scaled(updates / updatesPerTransaction, scale);
    const rows = insertions * insertsPerTransaction;
    const from = `i * ${insertsPerTransaction}::bigint`;
    await repeat(
      leader,
      insertions,
      `INSERT INTO wide SELECT g, ${scalars.map(([, value]) => value).join(', ')}, ${documentOf('g')}, ${largeOf('g')}, now()
       FROM generate_series(${from} + 1, ${from} + ${insertsPerTransaction}) g`,
    );
    // Consecutive keys, round and round: as many rows as named, however few there are.
    const perTransaction = Math.min(updatesPerTransaction, rows);
    await repeat(
      leader,
      changes,
      `UPDATE wide SET i1 = i1 + 1, t1 = 'change ' || i, doc = ${documentOf('id || i::text')}, changed = now()
       WHERE id IN (SELECT (i * ${perTransaction}::bigint + k) % ${rows} + 1 FROM generate_series(0, ${perTransaction - 1}) k)`,
    );
    return markEnd(leader, rows + changes * perTransaction, insertions + changes);
  },
};
