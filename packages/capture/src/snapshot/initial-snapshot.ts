import type { ChunkNote, SnapshotState } from '@millrace/log';
import { eventFlags } from '@millrace/log';
import type { Position } from '@millrace/model';
import type { Recorder } from '../chain/recorder.js';
import type { CaptureSettings } from '../options.js';
import type { InitialSnapshot, KeyRange, SnapshotTable } from '../source.js';
import { BatchBuilder } from '../stream/batch-builder.js';
import { EventWriter } from '../stream/event-writer.js';
import type { Shape } from '../stream/shape.js';
import type { SnapshotMeter } from './snapshot-progress.js';

/** A chunk to read: its number is its place in the plan. */
interface PlannedChunk {
  readonly chunk: number;
  readonly topic: number;
  readonly table: SnapshotTable;
  readonly range: KeyRange;
}

export interface PlannedTable {
  readonly topic: number;
  readonly table: SnapshotTable;
  readonly ranges: readonly KeyRange[];
}

export interface InitialSnapshotOptions {
  readonly settings: CaptureSettings;
  readonly epoch: number;
  readonly snapshot: InitialSnapshot;
  readonly state: SnapshotState;
  readonly tables: readonly PlannedTable[];
  readonly at: Position;
  readonly shapeOf: (topic: number) => Shape;
  readonly recorder: Recorder;
  readonly meter: SnapshotMeter;
  readonly signal: AbortSignal;
}

/**
 * Reads the slot's exported snapshot in parallel chunks, each a record of its own, before streaming (§7). Chunks may finish in any
 * order: what remains stands in the chain, and is continued in windows if this process dies.
 */
export async function readInitialSnapshot(options: InitialSnapshotOptions): Promise<void> {
  const { tables, settings, recorder, snapshot, signal } = options;
  const chunks = plannedChunks(tables);
  if (chunks.length === 0) recorder.snapshotDone();
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let chunk = chunks[next++]; chunk && !signal.aborted; chunk = chunks[next++])
      await readChunk(options, chunk);
  };
  const readers = Math.max(1, Math.min(settings.limits.snapshotReaders, chunks.length));
  await Promise.all(Array.from({ length: readers }, reader));
  await snapshot.close();
}

const plannedChunks = (tables: readonly PlannedTable[]): PlannedChunk[] => {
  const chunks = tables.flatMap(({ topic, table, ranges }) =>
    ranges.map((range) => ({ topic, table, range })),
  );
  return chunks.map((chunk, i) => ({ ...chunk, chunk: i }));
};

async function readChunk(options: InitialSnapshotOptions, planned: PlannedChunk): Promise<void> {
  const { settings, snapshot, state, recorder, meter, signal } = options;
  const shape = options.shapeOf(planned.topic);
  const builder = new BatchBuilder();
  const writer = new EventWriter(builder, options.epoch);
  const now_us = BigInt(Math.trunc(settings.surroundings.clock.now())) * 1000n;
  builder.begin();
  writer.begin({
    commit: options.at.end,
    xid: -1,
    sourceTime_us: now_us,
    processedAt_us: now_us,
    lastCommit: undefined,
    snapshot: 'true',
    chunk: planned.chunk,
    flags: eventFlags.initialChunk,
  });
  const to = {
    row: (image: Parameters<EventWriter['row']>[1]): void => {
      writer.row(shape, image);
      meter.row(state.id, planned.topic);
    },
    // A chunk larger than memory allows goes ahead of its record in parts, as a large transaction does.
    room: (): Promise<void> | undefined => {
      if (builder.bytes < settings.limits.part_bytes) return undefined;
      const { part, ranges } = builder.takePart();
      return new Promise((resolve) => recorder.part(part, ranges, builder, resolve));
    },
  };
  await snapshot.read(planned.table, planned.range, to, signal);
  if (signal.aborted) return;
  const { part, ranges: earlier } = builder.takePart();
  const note: ChunkNote = {
    snapshot: state.id,
    table: planned.topic,
    chunk: planned.chunk,
    cursor: planned.range.upTo,
  };
  await new Promise<void>((resolve) =>
    recorder.step(async () => {
      await recorder.publishChunk({ part, earlier, note, to: undefined, commit_us: now_us });
      resolve();
    }),
  );
}
