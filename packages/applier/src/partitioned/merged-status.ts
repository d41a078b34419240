import type { PositionRow, SeenWorker } from '@millrace/follower';
import { comparePositions } from '@millrace/model';
import type { ApplierStatus, Waiting } from '../status.js';
import { leastRow } from './completeness.js';
import type { PartitionRun } from './partition-run.js';

/** What only ever grows while the process lives. */
export type Figures = Pick<ApplierStatus, 'applied' | 'latency'>;

/**
 * A worker's status, from its own trouble, that of its partitions, and the rows of all. `own` holds the figures of partitions
 * that it had before.
 */
export function mergedStatus(
  own: ApplierStatus,
  runs: readonly PartitionRun[],
  rows: readonly PositionRow[],
  others: readonly SeenWorker[],
): ApplierStatus {
  const parts = runs.map(({ number, board }) => ({ number, status: board.status() }));
  const least = leastRow(rows);
  const held = parts.map(({ number }) => number).sort((a, b) => a - b);
  // In trouble it does not know what the others do.
  const speaks =
    held.includes(0) || own.phase !== 'starting' || !others.some(({ partitions }) => partitions.includes(0));
  const merged: ApplierStatus = {
    ...own,
    ...parts.reduce<Figures>((sum, { status }) => addedUp(sum, status), own),
    others,
    partitions: { count: rows.length, held, speaks },
    tablesBuilding: [...new Set(parts.flatMap(({ status }) => status.tablesBuilding))],
    ...(least && { position: least.position, state: worstState(rows) }),
    ...newestOf(parts.map(({ status }) => status)),
  };
  if (own.phase !== 'starting') return merged;
  return { ...merged, ...phaseOf(parts, rows.length) };
}

type Part = { readonly number: number; readonly status: ApplierStatus };

/** A wait anywhere is shown, with its partition; work before idleness. */
function phaseOf(parts: readonly Part[], count: number): Pick<ApplierStatus, 'phase' | 'waiting'> {
  const waits = parts.find(({ status }) => status.waiting !== undefined);
  if (waits?.status.waiting) {
    const { waiting } = waits.status;
    return {
      phase: 'waiting',
      waiting: { ...waiting, reason: `partition ${waits.number}: ${waiting.reason}` },
    };
  }
  const phases = new Set(parts.map(({ status }) => status.phase));
  if (parts.length === 0) return count > 0 ? spare : { phase: 'starting' };
  return { phase: phases.has('applying') ? 'applying' : phases.has('starting') ? 'starting' : 'idle' };
}

const spare: { readonly phase: 'standby'; readonly waiting: Waiting } = {
  phase: 'standby',
  waiting: { reason: 'standby: other workers have every partition', since_ms: 0 },
};

/** The follower is exact when every partition is (R30). */
const worstState = (rows: readonly PositionRow[]): PositionRow['state'] =>
  rows.find(({ state }) => state !== 'exact')?.state ?? 'exact';

export const addedUp = (a: Figures, b: Figures): Figures => ({
  applied: {
    commits: a.applied.commits + b.applied.commits,
    records: a.applied.records + b.applied.records,
    transactions: a.applied.transactions + b.applied.transactions,
    events: a.applied.events + b.applied.events,
    bytes: a.applied.bytes + b.applied.bytes,
  },
  latency: {
    buckets: a.latency.buckets.map((count, i) => count + (b.latency.buckets[i] ?? 0)),
    count: a.latency.count + b.latency.count,
    sum_s: a.latency.sum_s + b.latency.sum_s,
  },
});

function newestOf(statuses: readonly ApplierStatus[]): Pick<ApplierStatus, 'head' | 'lastCommit_us'> {
  let newest: Pick<ApplierStatus, 'head' | 'lastCommit_us'> = {};
  for (const { head, lastCommit_us } of statuses) {
    if (head && (!newest.head || comparePositions(head, newest.head) > 0)) newest = { ...newest, head };
    if (lastCommit_us !== undefined && lastCommit_us > (newest.lastCommit_us ?? -1n))
      newest = { ...newest, lastCommit_us };
  }
  return newest;
}
