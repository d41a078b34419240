import type { LayoutTopic, SnapshotState } from '@millrace/log';
import type { Opening } from '../epoch/startup-check.js';
import type { CaptureSettings } from '../options.js';
import type { SourceSession } from '../source.js';
import type { ShapeBook, ShapeChange } from '../stream/shape-book.js';
import type { PlannedTable } from './initial-snapshot.js';
import { wholeTable } from './states.js';

/** What an empty log begins with. */
export interface FirstSnapshot {
  readonly layout: readonly LayoutTopic[];
  readonly state: SnapshotState;
  readonly changes: readonly ShapeChange[];
  /** Chunks of the slot's exported snapshot; empty when the slot was there before and windows read everything. */
  readonly tables: readonly PlannedTable[];
}

const firstId = 1;

/**
 * Plans the first snapshot and makes its topics, before the first `open`: that record lists everything that remains to be read, so
 * that no follower takes itself for complete, and a capture that dies at any moment after it leaves a successor who knows.
 */
export async function planFirstSnapshot(
  settings: CaptureSettings,
  session: SourceSession,
  shapes: ShapeBook,
  opening: Opening,
): Promise<FirstSnapshot> {
  const { log, limits } = settings;
  const exported = opening.read === 'initial' ? session.created?.snapshot : undefined;
  const relations = exported ? exported.tables.map(({ relation }) => relation) : await session.relations();
  const layout: LayoutTopic[] = [];
  const changes: ShapeChange[] = [];
  const tables: PlannedTable[] = [];
  for (const relation of relations) {
    const change = shapes.plan(relation);
    const { number, name, partitions } = change.topic;
    await log.createTopic(name, partitions);
    const endOffsets: bigint[] = [];
    for (let partition = 0; partition < partitions; partition++)
      endOffsets.push((await log.watermarks(name, partition)).high);
    layout.push({ number, name, partitions, endOffsets });
    changes.push({ ...change, isNewTopic: false });
    const table = exported?.tables.find((each) => each.relation === relation);
    if (exported && table)
      tables.push({ topic: number, table, ranges: await exported.plan(table, limits.chunk_rows) });
  }
  const state: SnapshotState = {
    id: firstId,
    kind: exported ? 'initial' : 'windowed',
    startedAt: opening.at,
    tables: changes.map(({ topic }) => ({
      topic: topic.number,
      remaining: tables.find((table) => table.topic === topic.number)?.ranges ?? [wholeTable],
    })),
  };
  return { layout, state, changes, tables };
}
