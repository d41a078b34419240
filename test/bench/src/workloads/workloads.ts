import { concurrentWriters } from './concurrent-writers.js';
import { mixed } from './mixed.js';
import { narrowInserts } from './narrow-inserts.js';
import { oneTransaction } from './one-transaction.js';
import { tpcb } from './tpcb.js';
import { wideRows } from './wide-rows.js';
import type { Workload, WorkloadName } from './workload.js';

/** Sized so that one drain at pg_recvlogical's speed takes some seconds. */
export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  W1: tpcb,
  W2: narrowInserts('W2', 1_000_000, 1_000),
  'W2-1': narrowInserts('W2-1', 600_000, 1),
  'W2-10': narrowInserts('W2-10', 1_000_000, 10),
  W3: wideRows,
  W5: oneTransaction,
  W6: concurrentWriters,
  W8: mixed,
};
