import { type RowImage, rowImageOf } from '@millrace/model';
import type { Recorder } from '../chain/recorder.js';
import type { CaptureSettings } from '../options.js';
import type { KeyRange, WindowChunk } from '../source.js';
import { BatchBuilder } from '../stream/batch-builder.js';
import { EventWriter } from '../stream/event-writer.js';
import type { Shape } from '../stream/shape.js';
import type { ChunkOverlay } from './chunk-overlay.js';
import { isWholeTable } from './states.js';
import type { ClosedWindow } from './window.js';

export interface ChunkToPublish {
  readonly closed: ClosedWindow;
  readonly chunk: WindowChunk;
  readonly shape: Shape;
  readonly overlay: ChunkOverlay;
}

export interface ChunkPublisherOptions {
  readonly settings: CaptureSettings;
  readonly epoch: number;
  readonly recorder: Recorder;
  readonly signal: AbortSignal;
}

/**
 * Within a step: streams a chunk's rows into the log as events of HIGH's commit, the window's changes laid over, in parts ahead of
 * their record (R13), so that neither its size nor the table's costs memory. Returns how many rows there were.
 */
export async function publishChunk(options: ChunkPublisherOptions, given: ChunkToPublish): Promise<number> {
  const { recorder, settings } = options;
  const { closed, chunk, shape, overlay } = given;
  const builder = new BatchBuilder();
  const writer = beginChunk(options, builder, closed);
  if (replacesTable(chunk, shape, settings.limits.chunk_rows))
    writer.truncate(shape, Number(closed.commit >> 32n), Number(closed.commit & 0xffff_ffffn));
  let rows = 0;
  const write = (image: RowImage): void => {
    writer.row(shape, image);
    rows++;
  };
  const room = (): Promise<void> | undefined => {
    if (builder.bytes < settings.limits.part_bytes) return undefined;
    options.signal.throwIfAborted();
    const { part, ranges } = builder.takePart();
    return recorder.appendPart(part, ranges, builder);
  };
  await chunk.rows.each({
    row(image): void {
      const now = overlay.onto(image);
      if (now) write(now);
    },
    room,
  });
  for (const row of overlay.added()) {
    write(rowImageOf(row));
    const full = room();
    if (full) await full;
  }
  const { part, ranges } = builder.takePart();
  await recorder.publishChunk({
    part,
    earlier: ranges,
    note: {
      snapshot: closed.task.snapshot.id,
      table: closed.task.topic,
      chunk: closed.chunk,
      cursor: chunk.range.upTo,
      window: windowOf(closed, chunk),
    },
    to: closed.end,
    commit_us: closed.committedAt_us,
  });
  return rows;
}

const windowOf = (closed: ClosedWindow, chunk: WindowChunk): KeyRange => ({
  after: closed.task.range.after,
  upTo: chunk.range.upTo,
});

/**
 * Whether the chunk begins with a truncate, as the only thing that says what a follower has too much. Rows without a key cannot be
 * compared with a follower's; and of a table with too many keys to be kept in memory the appliers could not tell which ones the
 * chunk lacks. In a smaller chunk they can, and no reader of theirs finds the table locked.
 */
const replacesTable = ({ rows, range }: WindowChunk, shape: Shape, keys: number): boolean =>
  !shape.keyed || (isWholeTable(range) && (rows.spooled || rows.count > keys));

function beginChunk(
  { settings, epoch }: ChunkPublisherOptions,
  builder: BatchBuilder,
  { commit, committedAt_us }: ClosedWindow,
): EventWriter {
  const writer = new EventWriter(builder, epoch);
  builder.begin();
  writer.begin({
    commit,
    xid: -1,
    sourceTime_us: committedAt_us,
    processedAt_us: BigInt(Math.trunc(settings.surroundings.clock.now())) * 1000n,
    lastCommit: undefined,
    snapshot: 'incremental',
    chunk: 0,
    flags: 0,
  });
  return writer;
}
