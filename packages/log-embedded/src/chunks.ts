import type { PackedRecords } from '@millrace/log';
import { Fault } from '@millrace/runtime';

/**
 * Events are stored as chunks of packed records: one LMDB entry per chunk instead of one per event. Just below 30 pages,
 * so that a chunk and its page header leave no nearly empty page behind.
 */
export const chunk_bytes_max = 30 * 4096 - 64;

export interface Chunk {
  /** A view into the pack. */
  readonly bytes: Buffer;
  readonly count: number;
}

const size_bytes = 4;

/** Length of the packed record at `at`, frame included. Throws MR-3012 when the framing is damaged. */
function recordLength(bytes: Buffer, at: number): number {
  const length = at + size_bytes <= bytes.length ? size_bytes + bytes.readUInt32BE(at) : 0;
  if (length === 0 || at + length > bytes.length)
    throw new Fault('MR-3012', {
      detail: `packed records: the record at byte ${at} is cut`,
      context: { offset: at },
    });
  return length;
}

/** Cuts packed records between records into pieces of at most `max_bytes`; a larger record stands alone. */
export function* cutRecords(records: PackedRecords, max_bytes: number): Generator<Chunk, void, void> {
  const bytes = Buffer.from(records.bytes.buffer, records.bytes.byteOffset, records.bytes.byteLength);
  if (bytes.length <= max_bytes && records.count > 0) {
    yield { bytes, count: records.count };
    return;
  }
  let start = 0;
  let count = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = recordLength(bytes, at);
    if (count > 0 && at + length - start > max_bytes) {
      yield { bytes: bytes.subarray(start, at), count };
      start = at;
      count = 0;
    }
    at += length;
    count++;
  }
  if (count > 0) yield { bytes: bytes.subarray(start), count };
}

/** The records numbered `from` up to, not including, `to` of a chunk, as a view. */
export function sliceRecords(chunk: Chunk, from: number, to: number): Chunk {
  if (from === 0 && to === chunk.count) return chunk;
  let at = 0;
  let start = 0;
  for (let i = 0; i < to; i++) {
    if (i === from) start = at;
    at += recordLength(chunk.bytes, at);
  }
  return { bytes: chunk.bytes.subarray(start, at), count: to - from };
}
