import type { CountingRecord } from '@millrace/log';
import type { Lsn, Position } from '@millrace/model';

/**
 * Most tables that one transaction touches, unless a single record does: a store keeps something in memory for each table
 * that its open transaction has written (DuckDB 1.5 two blocks of 256 KiB, which it cannot spill), however few rows.
 */
const tables_max = 64;

/** What is known when the next follower transaction is planned. */
export interface GroupRequest {
  /** Counting records read ahead, in order; at least one. */
  readonly pending: readonly CountingRecord[];
  /** Where the follower stands. */
  readonly position: Position;
  /** Most events the transaction should hold; one record larger than that goes alone. */
  readonly events: number;
  readonly records: number;
}

export interface GroupPlan {
  /** How many of the pending records share the transaction. */
  readonly records: number;
  /** R32: commits at or beyond this LSN never happened on the leader's new timeline; the last record is the fork's `open`. */
  readonly forkAt?: Lsn;
}

/**
 * R24: records share a follower transaction up to the limits; it ends before and after layout, schema, fork and barrier.
 * The applier adds no delay: a group is whatever has gathered while the one before was applied (group commit).
 */
export function planGroup(request: GroupRequest): GroupPlan {
  const { pending } = request;
  const fork = nextFork(pending, request.position);
  if (fork && fork.retractedFrom === 0 && fork.open > 0)
    return { records: fork.open + 1, forkAt: fork.forkAt };
  const end = Math.min(pending.length, request.records, fork ? fork.retractedFrom : pending.length);
  let events = 0;
  const topics = new Set<number>();
  for (let i = 0; i < end; i++) {
    const { record } = pending[i] as CountingRecord;
    if (standsAlone(pending[i] as CountingRecord)) return { records: Math.max(1, i) };
    if (record.kind !== 'progress') continue;
    events += Number(record.events);
    for (const { topic } of record.ranges) topics.add(topic);
    if (i > 0 && (events > request.events || topics.size > tables_max)) return { records: i };
  }
  return { records: Math.max(1, end) };
}

/** R24, R26: records that share no transaction with others; in partitioned mode all partitions pass them together. */
export function standsAlone({ record }: CountingRecord): boolean {
  switch (record.kind) {
    case 'open':
    case 'schema':
    case 'layout':
      return true;
    case 'progress':
      // The end of a snapshot changes the state of whole tables (R30).
      return record.barrier || record.snapshotDone;
    default:
      return false;
  }
}

interface ForkAhead {
  /** Index of the `open` that began a new history. */
  readonly open: number;
  readonly forkAt: Lsn;
  /** Index of the first record that holds commits at or beyond the fork; `open` when none does. */
  readonly retractedFrom: number;
}

/** R32: readers read the progress topic ahead, and leave out what the fork's `open` retracts. */
function nextFork(pending: readonly CountingRecord[], position: Position): ForkAhead | undefined {
  const open = pending.findIndex(({ record }) => record.kind === 'open' && record.fork !== undefined);
  const record = pending[open]?.record;
  if (record?.kind !== 'open' || !record.fork || record.at.history !== position.history + 1) return undefined;
  const { forkAt } = record.fork;
  const retracted = pending.findIndex(({ state }, i) => i < open && state.to.end > forkAt);
  return { open, forkAt, retractedFrom: position.end > forkAt ? 0 : retracted < 0 ? open : retracted };
}
