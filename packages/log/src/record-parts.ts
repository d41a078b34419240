import { lsn, type Position } from '@millrace/model';
import type { ByteReader } from './byte-reader.js';
import type { RecordWriter } from './record-writer.js';
import type { ChunkNote, LayoutTopic, RecordRange, SnapshotState, TopicRelation } from './records.js';
import { readCode, readRelation, writeCode, writeRelation } from './relation-codec.js';

// What records of several kinds consist of, each as it is written and as it is read.

/** Of a log's id, and of a nonce. */
export const id_bytes = 16;

const snapshotKinds = ['initial', 'windowed'] as const;

export function writeRange(out: RecordWriter, range: RecordRange): void {
  out.u16(range.topic);
  out.count(range.partition);
  out.u64(range.first);
  out.u64(range.last);
  out.count(range.count);
}

export const readRange = (from: ByteReader): RecordRange => ({
  topic: from.u16(),
  partition: from.u32(),
  first: from.u64(),
  last: from.u64(),
  count: from.u32(),
});

export function writeChunk(out: RecordWriter, chunk: ChunkNote): void {
  out.count(chunk.snapshot);
  out.u16(chunk.table);
  out.count(chunk.chunk);
  writeCells(out, chunk.cursor);
  out.optional(chunk.window, (window) => {
    writeCells(out, window.after);
    writeCells(out, window.upTo);
  });
}

export function readChunk(from: ByteReader): ChunkNote {
  const fixed = {
    snapshot: from.u32(),
    table: from.u16(),
    chunk: from.u32(),
    cursor: readCells(from),
  };
  const window = from.optional(() => ({ after: readCells(from), upTo: readCells(from) }));
  return { ...fixed, ...(window && { window }) };
}

export function writeCells(out: RecordWriter, cells: readonly string[] | null): void {
  out.optional(cells ?? undefined, (present) => out.list(present, (cell) => out.text(cell)));
}

export const readCells = (from: ByteReader): string[] | null =>
  from.optional(() => from.list(() => from.text())) ?? null;

export function writeLayoutTopic(out: RecordWriter, topic: LayoutTopic): void {
  out.u16(topic.number);
  out.text(topic.name);
  out.count(topic.partitions);
  out.list(topic.endOffsets, (offset) => out.u64(offset));
}

export const readLayoutTopic = (from: ByteReader): LayoutTopic => ({
  number: from.u16(),
  name: from.text(),
  partitions: from.u32(),
  endOffsets: from.list(() => from.u64()),
});

export function writeShape(out: RecordWriter, shape: TopicRelation): void {
  out.u16(shape.topic);
  out.count(shape.version);
  writeRelation(out, shape.relation);
}

export const readShape = (from: ByteReader): TopicRelation => ({
  topic: from.u16(),
  version: from.u32(),
  relation: readRelation(from),
});

export function writeSnapshot(out: RecordWriter, snapshot: SnapshotState): void {
  out.count(snapshot.id);
  writeCode(out, snapshotKinds, snapshot.kind);
  writePosition(out, snapshot.startedAt);
  out.list(snapshot.tables, (table) => {
    out.u16(table.topic);
    out.list(table.remaining, (range) => {
      writeCells(out, range.after);
      writeCells(out, range.upTo);
    });
  });
}

export const readSnapshot = (from: ByteReader): SnapshotState => ({
  id: from.u32(),
  kind: readCode(from, snapshotKinds, 'kind of snapshot'),
  startedAt: readPosition(from),
  tables: from.list(() => ({
    topic: from.u16(),
    remaining: from.list(() => ({ after: readCells(from), upTo: readCells(from) })),
  })),
});

export function writePosition(out: RecordWriter, position: Position): void {
  out.count(position.history);
  out.u64(position.end);
}

export const readPosition = (from: ByteReader): Position => ({ history: from.u32(), end: lsn(from.u64()) });
