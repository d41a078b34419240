import type { ChunkNote, SnapshotState } from '@millrace/log';
import type { Position } from '@millrace/model';
import type { KeyRange } from '../source.js';

/** A whole table. */
export const wholeTable: KeyRange = { after: null, upTo: null };

type Key = readonly string[] | null;

export const sameKey = (a: Key, b: Key): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((cell, i) => cell === b[i]));

/** A range that holds one key (see KeyRange). */
export const isSingleKey = (range: KeyRange): boolean =>
  range.after !== null && sameKey(range.after, range.upTo);

/** A range that is open at both ends. */
export const isWholeTable = (range: KeyRange): boolean => range.after === null && range.upTo === null;

/**
 * What remains of `ranges` when the chunk of this note is done. Ranges are found by their bounds: key order is the leader's. A
 * whole table covers them all; single keys stay, they were wanted once more.
 */
export function remainingAfter(ranges: readonly KeyRange[], note: ChunkNote): KeyRange[] {
  const { window, cursor } = note;
  if (!window) return ranges.filter((range) => !sameKey(range.upTo, cursor));
  if (isWholeTable(window)) return ranges.filter(isSingleKey);
  const left: KeyRange[] = [];
  for (const range of ranges) {
    if (isSingleKey(range) !== isSingleKey(window) || !sameKey(range.after, window.after)) left.push(range);
    else if (!sameKey(range.upTo, window.upTo) && window.upTo !== null)
      left.push({ after: window.upTo, upTo: range.upTo });
  }
  return left;
}

/** The states after a chunk. */
export const withoutChunk = (snapshots: readonly SnapshotState[], note: ChunkNote): SnapshotState[] =>
  snapshots.map((snapshot) =>
    snapshot.id !== note.snapshot
      ? snapshot
      : {
          ...snapshot,
          tables: snapshot.tables.map((table) =>
            table.topic !== note.table
              ? table
              : { topic: table.topic, remaining: remainingAfter(table.remaining, note) },
          ),
        },
  );

/** The states without one table, which another snapshot is going to read. */
export const withoutTopic = (snapshots: readonly SnapshotState[], topic: number): SnapshotState[] =>
  snapshots.map((snapshot) => ({
    ...snapshot,
    tables: snapshot.tables.filter((table) => table.topic !== topic),
  }));

/** The states with nothing left to read of these tables; they stay listed, so that the snapshot completes them. */
export const withoutReading = (
  snapshots: readonly SnapshotState[],
  topics: ReadonlySet<number>,
): SnapshotState[] =>
  snapshots.map((snapshot) => ({
    ...snapshot,
    tables: snapshot.tables.map((table) =>
      topics.has(table.topic) ? { topic: table.topic, remaining: [] } : table,
    ),
  }));

/** Adds ranges to a table of a running snapshot. */
export const withRanges = (
  snapshots: readonly SnapshotState[],
  id: number,
  topic: number,
  ranges: readonly KeyRange[],
): SnapshotState[] =>
  snapshots.map((snapshot) =>
    snapshot.id !== id
      ? snapshot
      : {
          ...snapshot,
          tables: snapshot.tables.map((table) =>
            table.topic !== topic
              ? table
              : {
                  topic,
                  remaining: [...table.remaining, ...ranges.filter((r) => !hasRange(table.remaining, r))],
                },
          ),
        },
  );

const hasRange = (ranges: readonly KeyRange[], wanted: KeyRange): boolean =>
  ranges.some((range) => sameKey(range.after, wanted.after) && sameKey(range.upTo, wanted.upTo));

export const isFinished = (snapshot: SnapshotState): boolean =>
  snapshot.tables.every((table) => table.remaining.length === 0);

/** Snapshots with something left to read, oldest first. */
export const unfinished = (snapshots: readonly SnapshotState[]): SnapshotState[] =>
  snapshots.filter((snapshot) => !isFinished(snapshot)).sort((a, b) => a.id - b.id);

export const lastSnapshotId = (snapshots: readonly SnapshotState[]): number =>
  snapshots.reduce((most, { id }) => Math.max(most, id), 0);

/** The next windowed snapshot of these topics. */
export const newSnapshot = (
  snapshots: readonly SnapshotState[],
  topics: readonly number[],
  startedAt: Position,
): SnapshotState => ({
  id: lastSnapshotId(snapshots) + 1,
  kind: 'windowed',
  startedAt,
  tables: topics.map((topic) => ({ topic, remaining: [wholeTable] })),
});

/**
 * The states as a record lists them: running ones, and of the finished ones only the last, without tables, so that numbers
 * go on counting.
 */
export function listed(snapshots: readonly SnapshotState[]): SnapshotState[] {
  const last = lastSnapshotId(snapshots);
  return snapshots
    .filter((snapshot) => !isFinished(snapshot) || snapshot.id === last)
    .map((snapshot) => (isFinished(snapshot) ? { ...snapshot, tables: [] } : snapshot));
}
