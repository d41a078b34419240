import { crc32 } from 'node:zlib';
import { type AppendedRange, decodeRecord, type Fence, type ProgressRecord, sameBytes } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import type { Chunk } from './chunks.js';
import {
  chunkKey,
  decodePartition,
  emptyPartition,
  encodePartition,
  encodeProgress,
  type OpenPart,
  offsetKey,
  type PartitionRow,
  partitionKey,
} from './rows.js';
import type { Store, TopicRow } from './store.js';

/** One chunk on its way into the log. */
export interface PendingChunk {
  readonly topic: string;
  readonly partition: number;
  readonly chunk: Chunk;
}

/** Where a chunk went: as the port names it, and as rows do. */
export interface Part extends OpenPart {
  readonly range: AppendedRange;
}

/** MR-2009 unless `fence` is the one in force. First statement of every write transaction of an appender (§12, promise 6). */
export function checkFence(store: Store, fence: Fence): void {
  const held = store.fence();
  if (!held || held.epoch !== fence.epoch || !sameBytes(held.nonce, fence.nonce))
    throw new Fault('MR-2009', {
      detail: `epoch ${fence.epoch} was superseded by epoch ${held?.epoch ?? 0}`,
      context: { epoch: fence.epoch, current: held?.epoch ?? 0 },
    });
}

export function topicOf(store: Store, name: string, partition: number): TopicRow {
  const row = store.topic(name);
  if (!row || partition >= row.partitions)
    throw new Fault('MR-3005', { detail: `topic ${name} has no partition ${partition} in this log` });
  return row;
}

export function partitionRow(store: Store, topic: number, partition: number): PartitionRow {
  const bytes = store.partitions.get(partitionKey(topic, partition));
  return bytes ? decodePartition(bytes) : { ...emptyPartition };
}

export function putPartition(store: Store, topic: number, partition: number, row: PartitionRow): void {
  store.partitions.putSync(partitionKey(topic, partition), encodePartition(row));
}

/** Writes chunks within the present transaction; returns where each went. */
export function putChunks(store: Store, chunks: readonly PendingChunk[], now_ms: number): Part[] {
  const parts: Part[] = [];
  let total = 0;
  for (const { topic, partition, chunk } of chunks) {
    const { id } = topicOf(store, topic, partition);
    const row = partitionRow(store, id, partition);
    const first = row.next;
    const { bytes, count } = chunk;
    const key = {
      topic: id,
      partition,
      first,
      count,
      created_ms: now_ms,
      bytes: bytes.length,
      crc: crc32(bytes),
    };
    store.events.putSync(chunkKey(key), bytes);
    row.next = first + BigInt(count);
    row.bytes += bytes.length;
    total += bytes.length;
    putPartition(store, id, partition, row);
    parts.push({ topic: id, partition, first, range: { topic, partition, first, last: row.next - 1n } });
  }
  const marks = store.marks();
  marks.event_bytes += total;
  store.putMarks(marks);
  return parts;
}

/** Writes a progress record within the present transaction; returns its offset. */
export function putRecord(
  store: Store,
  record: Uint8Array,
  notes: { readonly created_ms: number; readonly event_bytes: number; readonly open: readonly OpenPart[] },
): bigint {
  const marks = store.marks();
  const offset = marks.next;
  const bytes = encodeProgress(notes, record);
  store.progress.putSync(offsetKey(offset), bytes);
  marks.next = offset + 1n;
  marks.bytes += bytes.length;
  store.putMarks(marks);
  return offset;
}

/** What the log itself takes from a record: which events it names, and what its topic numbers mean. */
export function noteRecord(store: Store, record: ProgressRecord): void {
  if (record.kind === 'progress') {
    for (const range of record.ranges) {
      const topic = store.topicOfNumber(range.topic);
      if (topic === undefined) continue;
      const row = partitionRow(store, topic, range.partition);
      if (row.covered > range.last) continue;
      row.covered = range.last + 1n;
      putPartition(store, topic, range.partition, row);
    }
  }
  const layout = record.kind === 'open' ? record.layout : record.kind === 'layout' ? record.topics : [];
  for (const { number, name } of layout) {
    const topic = store.topic(name);
    if (topic && store.topicOfNumber(number) !== topic.id) store.putNumber(number, topic.id);
  }
}

/** The record, or undefined for bytes that are none: the log stores them all the same, its readers judge. */
export function decodeIfRecord(bytes: Uint8Array): ProgressRecord | undefined {
  try {
    return decodeRecord(bytes);
  } catch {
    return undefined;
  }
}
