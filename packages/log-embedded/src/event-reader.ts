import { crc32 } from 'node:zlib';
import type { PackedRecords, ReadOptions, ReadRange } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import { partitionRow, topicOf } from './append.js';
import { type Chunk, cutRecords, sliceRecords } from './chunks.js';
import { chunkBound, parseChunkKey } from './rows.js';
import type { Store } from './store.js';
import type { Wake } from './wake.js';

export interface ReadAccess {
  readonly store: Store;
  readonly wake: Wake;
  /** Throws when the handle was closed. */
  guard(): void;
}

/** What one snapshot had of a range. */
interface Slice {
  readonly pieces: readonly Chunk[];
  /** Where to read on. */
  readonly fetch: bigint;
  /** The high watermark was above `last`. */
  readonly complete: boolean;
}

/** Reads a range as the port says: one short snapshot per batch, waiting for what is not there yet. */
export async function* readRange(
  log: ReadAccess,
  range: ReadRange,
  options: ReadOptions,
): AsyncGenerator<PackedRecords, void, void> {
  const { signal, max_bytes } = options;
  let fetch = range.first;
  let waited = false;
  while (fetch <= range.last) {
    log.guard();
    signal.throwIfAborted();
    const seen = log.wake.version;
    const slice = log.store.read(() => readSlice(log.store, range, fetch, max_bytes));
    fetch = slice.fetch;
    if (!slice.complete && !waited) {
      waited = true;
      options.onWait?.(range);
    }
    if (slice.pieces.length > 0) yield* batches(slice.pieces, max_bytes);
    else if (slice.complete) return;
    else await log.wake.after(seen, signal);
  }
}

function readSlice(store: Store, range: ReadRange, fetch: bigint, max_bytes: number): Slice {
  const { id } = topicOf(store, range.topic, range.partition);
  const row = partitionRow(store, id, range.partition);
  if (row.low > fetch)
    throw new Fault('MR-3003', {
      detail: `${range.topic}/${range.partition} begins at offset ${row.low}, offset ${fetch} is needed`,
      context: { topic: range.topic, partition: range.partition, low: row.low, offset: fetch },
    });
  const pieces: Chunk[] = [];
  let bytes = 0;
  let next = fetch;
  const start = startOfChunk(store, id, range.partition, fetch);
  const end = chunkBound(id, range.partition, range.last + 1n);
  for (const { key, value } of store.events.getRange({ start, end })) {
    const { first, count, crc } = parseChunkKey(key);
    const last = first + BigInt(count) - 1n;
    if (last < next) continue;
    if (crc32(value) !== crc) throw corrupt(range, first);
    const from = first < next ? Number(next - first) : 0;
    const to = last > range.last ? Number(range.last - first) + 1 : count;
    const piece = sliceRecords({ bytes: value, count }, from, to);
    pieces.push(piece);
    next = first + BigInt(to);
    bytes += piece.bytes.length;
    if (bytes >= max_bytes) break;
  }
  return { pieces, fetch: next, complete: row.next > range.last };
}

/** Key at which the chunk that holds `offset` begins, or the bound itself. */
function startOfChunk(store: Store, topic: number, partition: number, offset: bigint): Buffer {
  const bound = chunkBound(topic, partition, offset + 1n);
  for (const key of store.events.getKeys({ start: bound, reverse: true, limit: 1 })) {
    const chunk = parseChunkKey(key);
    if (chunk.topic === topic && chunk.partition === partition) return key;
  }
  return chunkBound(topic, partition, offset);
}

/** Pieces of this size are handed on as they are: joining them would copy all events once more, for few calls less. */
const whole_bytes_min = 16 * 1024;

/** Small pieces are joined up to the limit, large ones cut to it. */
function* batches(pieces: readonly Chunk[], max_bytes: number): Generator<PackedRecords, void, void> {
  let gathered: Chunk[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    const size = piece.bytes.length;
    if (gathered.length > 0 && (size >= whole_bytes_min || bytes + size > max_bytes)) {
      yield join(gathered);
      gathered = [];
      bytes = 0;
    }
    if (size > max_bytes) yield* cutRecords(piece, max_bytes);
    else if (size >= whole_bytes_min) yield piece;
    else {
      gathered.push(piece);
      bytes += size;
    }
  }
  if (gathered.length > 0) yield join(gathered);
}

function join(pieces: readonly Chunk[]): PackedRecords {
  const [only] = pieces;
  if (only && pieces.length === 1) return only;
  const count = pieces.reduce((sum, piece) => sum + piece.count, 0);
  return { bytes: Buffer.concat(pieces.map((piece) => piece.bytes)), count };
}

const corrupt = (range: ReadRange, first: bigint): Fault =>
  new Fault('MR-3012', {
    detail: `${range.topic}/${range.partition}: the events from offset ${first} do not match their checksum`,
    context: { topic: range.topic, partition: range.partition, offset: first },
  });
