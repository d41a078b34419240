import type { FollowerPartition, FollowerTransaction, StoredPosition } from '@millrace/follower';
import type { CountingRecord } from '@millrace/log';

/** What a session must know when its row is that of one partition (R25, R26). */
export interface Partition {
  readonly count: number;
  /** Partition 0 passes barriers, for all. */
  readonly isFirst: boolean;
  /** The record as this partition applies it: its position, and only the events that are its own. */
  ownPart(record: CountingRecord): CountingRecord;
  beginAll(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction | undefined>;
}

/**
 * Partition `number` of `count`. A key lives on one partition of its topic (R17); topics may have other counts than the follower, so
 * a topic's partition p belongs to the follower's partition p modulo `count`.
 */
export function partitionOf(number: number, count: number, handle: FollowerPartition): Partition {
  return {
    count,
    isFirst: number === 0,
    beginAll: (from, to) => handle.beginAll(from, to),
    ownPart(counting) {
      const { record } = counting;
      if (record.kind !== 'progress' || record.ranges.length === 0) return counting;
      const ranges = record.ranges.filter(({ partition }) => partition % count === number);
      const events = BigInt(ranges.reduce((sum, range) => sum + range.count, 0));
      return { ...counting, record: { ...record, ranges, events } };
    },
  };
}
