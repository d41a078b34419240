import { createTables, endTable, markEnd, repeat, scaled } from './filling.js';
import type { Workload } from './workload.js';

const branches = 10;
const tellers = branches * 10;
/** A tenth of pgbench's: every lane copies the initial rows, and the backlog is what is measured. */
const accounts = branches * 10_000;
const clients = 8;
const transactions = 300_000;
/** Three updates and one insert. */
const eventsPerTransaction = 4;

const tablesSql = `
  CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88)) WITH (fillfactor = 100);
  CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84)) WITH (fillfactor = 100);
  CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84)) WITH (fillfactor = 100);
  CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
  INSERT INTO pgbench_branches SELECT b, 0, NULL FROM generate_series(1, ${branches}) b;
  INSERT INTO pgbench_tellers SELECT t, (t - 1) / 10 + 1, 0, NULL FROM generate_series(1, ${tellers}) t;
  INSERT INTO pgbench_accounts SELECT a, (a - 1) / 10000 + 1, 0, '' FROM generate_series(1, ${accounts}) a`;

/**
 * W1: pgbench's TPC-B-like transaction from 8 clients. Not run by pgbench itself: its round trips would make the
 * filling take minutes, and its WAL, which is all that a contestant sees, is the same.
 */
export const tpcb: Workload = {
  name: 'W1',
  title: `${transactions.toLocaleString('en')} TPC-B transactions of ${clients} clients (pgbench's: three updates, one insert)`,
  tables: [
    'public.pgbench_branches',
    'public.pgbench_tellers',
    'public.pgbench_accounts',
    'public.pgbench_history',
    endTable,
  ],
  createTables: (leader) => createTables(leader, tablesSql),
  async fill(leader, scale) {
    const each = scaled(transactions / clients, scale);
    const drawn = (what: number) => `1 + floor(random() * ${what})::int`;
    await Promise.all(
      Array.from({ length: clients }, () =>
        repeat(
          leader,
          each,
          `DECLARE the_aid int := ${drawn(accounts)}; the_tid int := ${drawn(tellers)};
             the_bid int := ${drawn(branches)}; delta int := ${drawn(10_001)} - 5001;
           BEGIN
             UPDATE pgbench_accounts SET abalance = abalance + delta WHERE aid = the_aid;
             PERFORM abalance FROM pgbench_accounts WHERE aid = the_aid;
             UPDATE pgbench_tellers SET tbalance = tbalance + delta WHERE tid = the_tid;
             UPDATE pgbench_branches SET bbalance = bbalance + delta WHERE bid = the_bid;
             INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)
               VALUES (the_tid, the_bid, the_aid, delta, CURRENT_TIMESTAMP);
           END`,
        ),
      ),
    );
    return markEnd(leader, each * clients * eventsPerTransaction, each * clients);
  },
};
