import type { PackedRecords, ReadOptions, ReadRange } from '@millrace/log';
import { type Clock, Fault } from '@millrace/runtime';
import { abortable } from './abortable.js';
import type { ChunkCache } from './chunk-cache.js';
import type { KnownTopic } from './connection/cluster.js';
import { Trouble } from './connection/trouble.js';
import type { EndSignals } from './end-signals.js';
import { type Chunk, fetchChunk } from './fetching.js';
import { readWatermarks } from './offsets.js';
import { type PersistSurroundings, persist } from './persist.js';
import type { Topics } from './topics.js';
import { BatchCursor } from './wire/batch-cursor.js';
import type { PackedOutput, PackedOutputs } from './wire/packed-output.js';

export interface ReadAccess {
  readonly topics: Topics;
  readonly cache: ChunkCache;
  readonly outputs: PackedOutputs;
  readonly ends: EndSignals;
  readonly surroundings: PersistSurroundings & { readonly clock: Clock };
}

/** One Fetch: enough to be worth a round trip, small enough that many ranges at once stay bounded. */
const fetch_bytes_min = 64 * 1024;
const fetch_bytes_max = 1024 * 1024;
/** Beyond the end, the first look again follows soon: what a record names is there already, but for a moment. */
const waitFirst_ms = 5;
const waitMost_ms = 250;
/** A record counts only when its events were acknowledged (R11), so their leader has them. It may be late in saying so; not as late as this. */
const lost_ms = 30_000;

interface Piece {
  readonly chunk: Chunk;
  readonly cursor: BatchCursor;
}

/**
 * Reads a range as the port says: explicit offsets, bounded batches, records of others passed over (they never count). The first fetch goes
 * out at once: who merges many ranges asks for all of them before it needs the first, and waits for one round trip instead of many.
 */
export function readRange(
  access: ReadAccess,
  range: ReadRange,
  options: ReadOptions,
): AsyncGenerator<PackedRecords, void, void> {
  const reader = new RangeReader(access, range, options);
  reader.begin();
  return batchesOf(reader, access, range, options);
}

async function* batchesOf(
  reader: RangeReader,
  access: ReadAccess,
  range: ReadRange,
  { signal }: ReadOptions,
): AsyncGenerator<PackedRecords, void, void> {
  const { surroundings } = access;
  const out = access.outputs.take();
  let empty = 0;
  // Pauses only: time in which brokers were away says nothing about what they hold.
  let waited_ms = 0;
  try {
    while (!reader.isDone) {
      signal.throwIfAborted();
      const piece = await reader.piece();
      if (piece.chunk.end > reader.fetch) {
        empty = 0;
        waited_ms = 0;
        yield* reader.batches(piece, out);
        continue;
      }
      if (empty === 0 && piece.chunk.high <= range.last) reader.saysWaiting();
      if (waited_ms > lost_ms) {
        const high = await reader.confirmedEnd();
        if (high <= range.last) throw lost(range, high);
        waited_ms = 0;
      }
      const pause_ms = Math.min(waitMost_ms, waitFirst_ms * 2 ** Math.min(empty, 10));
      empty++;
      waited_ms += pause_ms;
      await surroundings.clock.sleep(pause_ms, reader.ended);
    }
  } finally {
    access.outputs.give(out);
  }
}

class RangeReader {
  readonly #access: ReadAccess;
  readonly #range: ReadRange;
  readonly #options: ReadOptions;
  readonly #fetch_bytes: number;
  #ahead: { readonly offset: bigint; readonly piece: Promise<Piece> } | undefined;
  #hasWaited = false;
  /** The caller's signal, or the handle's end. */
  readonly ended: AbortSignal;
  /** The fetch position: everything below it is read (R19). */
  fetch: bigint;

  constructor(access: ReadAccess, range: ReadRange, options: ReadOptions) {
    this.#access = access;
    this.#range = range;
    this.#options = options;
    this.fetch = range.first;
    this.ended = access.ends.either(options.signal);
    this.#fetch_bytes = Math.min(fetch_bytes_max, Math.max(fetch_bytes_min, options.max_bytes));
  }

  begin(): void {
    if (!this.isDone) this.#fetchAhead(this.fetch);
  }

  get isDone(): boolean {
    return this.fetch > this.#range.last;
  }

  /**
   * The end as the leader vouches for it. A new one's Fetch may show too low an end for as long as its replicas are away; asked for its
   * offsets, it does not answer before it knows (KIP-207), and that is waited for, visibly.
   */
  async confirmedEnd(): Promise<bigint> {
    const { topics, surroundings } = this.#access;
    const { topic: name, partition } = this.#range;
    const doing = `asking for the end of ${name}/${partition}`;
    const { high } = await persist(surroundings, { doing, signal: this.ended }, async () =>
      readWatermarks(topics, await topics.get(name), partition),
    );
    return high;
  }

  saysWaiting(): void {
    if (this.#hasWaited) return;
    this.#hasWaited = true;
    this.#options.onWait?.(this.#range);
  }

  /** What holds the fetch position: of what was fetched before, fetched ahead, or fetched now. */
  async piece(): Promise<Piece> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead?.offset === this.fetch) return await abortable(ahead.piece, this.ended);
    return await abortable(this.#load(this.fetch), this.ended);
  }

  /** The records of one chunk, in batches of at most `max_bytes`, up to the range's end. */
  async *batches({ chunk, cursor }: Piece, out: PackedOutput): AsyncGenerator<PackedRecords, void, void> {
    const { last } = this.#range;
    const { max_bytes } = this.#options;
    if (chunk.end <= last) this.#fetchAhead(chunk.end);
    for (let end = cursor.peekEnd(); end !== undefined && !this.isDone; end = cursor.peekEnd()) {
      if (end <= this.fetch) {
        cursor.skipBatch();
        continue;
      }
      await cursor.openBatch();
      const first = delta(this.fetch, cursor.baseOffset);
      const final = delta(last, cursor.baseOffset);
      while (cursor.next()) {
        if (cursor.offsetDelta < first || cursor.headerLength < 0) continue;
        if (cursor.offsetDelta > final) break;
        if (out.count > 0 && out.bytes + out.sizeOf(cursor) > max_bytes) {
          yield { bytes: out.out.view(), count: out.count };
          out.reset();
        }
        out.append(cursor);
      }
      this.fetch = end;
    }
    this.#access.cache.mark(chunk, this.fetch, cursor.nextBatch_byte);
    if (out.count === 0) return;
    yield { bytes: out.out.view(), count: out.count };
    out.reset();
  }

  /** While the caller works on one chunk, the next is on its way. */
  #fetchAhead(offset: bigint): void {
    const piece = this.#load(offset);
    // Awaited when its turn comes, if it comes.
    piece.catch(() => {});
    this.#ahead = { offset, piece };
  }

  async #load(offset: bigint): Promise<Piece> {
    const { topics, cache, surroundings } = this.#access;
    const { topic: name, partition } = this.#range;
    const signal = this.ended;
    const doing = `reading ${name}/${partition} at offset ${offset}`;
    return await persist(surroundings, { doing, signal }, async () => {
      const topic = await topics.get(name);
      const found = cache.find(topic, partition, offset);
      if (found) return found;
      const chunk = await this.#fetched(topic, offset);
      cache.keep(topic, partition, chunk);
      return { chunk, cursor: new BatchCursor(chunk.records, `${name}/${partition}`) };
    });
  }

  async #fetched(topic: KnownTopic, offset: bigint): Promise<Chunk> {
    const { partition } = this.#range;
    const options = { max_bytes: this.#fetch_bytes, wait_ms: 0, purpose: 'read' } as const;
    const chunk = await fetchChunk(this.#access.topics, topic, partition, offset, options);
    // A throttled broker may answer with nothing: that says nothing about the offset (R19).
    if (chunk.end === offset && chunk.high > offset)
      throw new Trouble(
        `${topic.name}/${partition} gave nothing at offset ${offset}, below its end ${chunk.high}`,
      );
    return chunk;
  }
}

const lost = ({ topic, partition, last }: ReadRange, high: bigint): Fault =>
  new Fault('MR-3007', {
    detail: `${topic}/${partition} ends at offset ${high}, but a counting record names its events up to ${last}: they were acknowledged and are gone, or the topic was made anew`,
    context: { topic, partition, high, last },
  });

const farthest = 0x7fff_ffff;

/** `offset` relative to a batch's base, within what a batch can hold. */
function delta(offset: bigint, base: bigint): number {
  const difference = offset - base;
  if (difference < -1n) return -1;
  return difference > BigInt(farthest) ? farthest : Number(difference);
}
