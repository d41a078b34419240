import type {
  BatchRecord,
  ChunkNote,
  LayoutTopic,
  OpenRecord,
  RecordHead,
  RecordRange,
  SchemaRecord,
  SnapshotState,
  TopicRelation,
} from '@millrace/log';
import type { Position, SchemaChange } from '@millrace/model';
import type { Fork } from '../epoch/fork.js';
import { listed } from '../snapshot/states.js';
import type { LeaderIdentity } from '../source.js';
import type { PartRanges, SealedBatch } from '../stream/batch-builder.js';

/** Ranges as a record carries them, ordered by topic and partition. */
export const recordRanges = (ranges: PartRanges): RecordRange[] =>
  [...ranges.values()].sort((a, b) => a.topic - b.topic || a.partition - b.partition);

/** A batch of committed transactions. */
export function batchRecord(
  head: RecordHead,
  from: Position,
  batch: SealedBatch,
  ranges: PartRanges,
): BatchRecord {
  return {
    ...head,
    kind: 'progress',
    from,
    to: { history: from.history, end: batch.to },
    eventsEpoch: head.epoch,
    firstCommit_us: batch.firstCommit_us,
    lastCommit_us: batch.lastCommit_us,
    transactions: batch.transactions,
    events: BigInt(batch.events),
    ranges: recordRanges(ranges),
    barrier: batch.barrier,
    snapshotDone: false,
  };
}

/** A record without events: the position moves on (R14), or a snapshot without rows is done. */
export function idleRecord(
  head: RecordHead,
  from: Position,
  to: Position,
  snapshotDone = false,
): BatchRecord {
  return {
    ...head,
    kind: 'progress',
    from,
    to,
    eventsEpoch: head.epoch,
    firstCommit_us: 0n,
    lastCommit_us: 0n,
    transactions: 0,
    events: 0n,
    ranges: [],
    barrier: false,
    snapshotDone,
  };
}

export interface ChunkRecordParts {
  readonly from: Position;
  readonly to: Position;
  readonly transactions: number;
  readonly commit_us: bigint;
  readonly ranges: PartRanges;
  readonly note: ChunkNote;
  readonly snapshotDone: boolean;
}

/** Rows of one chunk. */
export function chunkRecord(head: RecordHead, parts: ChunkRecordParts): BatchRecord {
  const ranges = recordRanges(parts.ranges);
  return {
    ...head,
    kind: 'progress',
    from: parts.from,
    to: parts.to,
    eventsEpoch: head.epoch,
    firstCommit_us: parts.commit_us,
    lastCommit_us: parts.commit_us,
    transactions: parts.transactions,
    events: BigInt(ranges.reduce((sum, { count }) => sum + count, 0)),
    ranges,
    // Replacing rows of a range reads the table: whoever works on a part of it must have come this far (R26).
    barrier: parts.note.window !== undefined,
    snapshotDone: parts.snapshotDone,
    chunk: parts.note,
  };
}

export interface OpenParts {
  readonly at: Position;
  readonly leader: LeaderIdentity;
  readonly fork?: Fork;
  readonly layout: readonly LayoutTopic[];
  readonly snapshots: readonly SnapshotState[];
  readonly relations: readonly TopicRelation[];
}

/** The `open` of an epoch, or a checkpoint. */
export function openRecord(head: RecordHead, parts: OpenParts): OpenRecord {
  const { at, leader, fork } = parts;
  return {
    ...head,
    kind: 'open',
    at,
    systemId: leader.systemId,
    timeline: leader.timeline,
    ancestry: leader.ancestry,
    ...(fork && {
      fork: { forkAt: fork.forkAt, ...(fork.retracted && { retracted: fork.retracted }) },
    }),
    layout: parts.layout,
    snapshots: listed(parts.snapshots),
    relations: parts.relations,
  };
}

export function schemaRecord(
  head: RecordHead,
  at: Position,
  shape: TopicRelation,
  changes: readonly SchemaChange[],
  repair: boolean,
): SchemaRecord {
  return { ...head, kind: 'schema', at, shape, changes, repair };
}
