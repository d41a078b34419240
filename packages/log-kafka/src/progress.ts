import type { ProgressChunk, Watermarks } from '@millrace/log';
import { isFault } from '@millrace/runtime';
import { abortable } from './abortable.js';
import type { KnownTopic } from './connection/cluster.js';
import { Trouble } from './connection/trouble.js';
import { type Chunk, fetchChunk } from './fetching.js';
import { readWatermarks } from './offsets.js';
import { persist } from './persist.js';
import type { ReadAccess } from './range-reader.js';
import { ask_deadline_ms } from './topics.js';
import { BatchCursor } from './wire/batch-cursor.js';

const fetch_bytes_min = 64 * 1024;
const fetch_bytes_max = 1024 * 1024;
/** A poll that long costs nothing when idle, and ends by itself soon enough when nobody waits any more. */
const poll_ms = 5_000;

interface Waiter {
  readonly offset: bigint;
  wake(): void;
  fail(error: unknown): void;
}

/** Reads and watches the one partition of progress records. */
export class ProgressReader {
  readonly #access: ReadAccess;
  readonly #topic: string;
  readonly #waiters = new Set<Waiter>();
  /** The end as seen last. */
  #high = -1n;
  /** The leadership (topic, leader epoch) under which the end was confirmed by ListOffsets. */
  #confirmed = '';
  #isPolling = false;

  constructor(access: ReadAccess, topic: string) {
    this.#access = access;
    this.#topic = topic;
  }

  /** As the port says. What was fetched before is not fetched again: whoever woke up finds what woke it. */
  async read(from: bigint, max_bytes: number): Promise<ProgressChunk> {
    const { topics, cache, surroundings } = this.#access;
    const doing = `reading ${this.#topic} at offset ${from}`;
    return await persist(surroundings, { doing, deadline_ms: ask_deadline_ms }, async () => {
      const topic = await topics.get(this.#topic);
      let next = from;
      for (;;) {
        let piece = cache.find(topic, 0, next);
        if (!piece) {
          const bytes = Math.min(fetch_bytes_max, Math.max(fetch_bytes_min, max_bytes));
          const chunk = await fetchChunk(topics, topic, 0, next, {
            max_bytes: bytes,
            wait_ms: 0,
            purpose: 'read',
          });
          cache.keep(topic, 0, chunk);
          piece = { chunk, cursor: new BatchCursor(chunk.records, this.#topic) };
        }
        const { chunk, cursor } = piece;
        if (chunk.end <= next) {
          await this.#confirm(topic);
          if (topics.endReached(topic, 0) <= next) return { records: [], next };
          throw new Trouble(`${this.#topic} gave nothing at offset ${next}, below its end`);
        }
        const found = await recordsFrom(cursor, next, max_bytes);
        cache.mark(chunk, found.next, found.byte);
        // A chunk of holes, or of somebody else's records: the next one may have some.
        if (found.records.length > 0) return found;
        next = chunk.end;
      }
    });
  }

  /**
   * As the port says. One Fetch at the end as known answers for both ends, and brings what is new, so that reading it costs nothing more.
   * A new leader's Fetch may name an end that is too low (KIP-207 is about ListOffsets only): so its first answer is the latter's.
   */
  async watermarks(): Promise<Watermarks> {
    const { topics, surroundings } = this.#access;
    const doing = `asking for the ends of ${this.#topic}`;
    return await persist(surroundings, { doing, deadline_ms: ask_deadline_ms }, async () => {
      const topic = await topics.get(this.#topic);
      const marks = this.#leadership(topic) === this.#confirmed ? await this.#fetchedMarks(topic) : undefined;
      return marks ?? (await this.#askedMarks(topic));
    });
  }

  /** A new leader may answer a Fetch with nothing though records were acknowledged there: what it does not give is missing only then. */
  async #confirm(topic: KnownTopic): Promise<void> {
    if (this.#leadership(topic) !== this.#confirmed) await this.#askedMarks(topic);
  }

  async #askedMarks(topic: KnownTopic): Promise<Watermarks> {
    const leadership = this.#leadership(topic);
    const asked = await readWatermarks(this.#access.topics, topic, 0);
    this.#confirmed = leadership;
    return asked;
  }

  #leadership(topic: KnownTopic): string {
    return `${topic.idText} ${this.#access.topics.cluster.partition(topic, 0).leaderEpoch}`;
  }

  async #fetchedMarks(topic: KnownTopic): Promise<Watermarks | undefined> {
    const { topics, cache } = this.#access;
    const reached = topics.endReached(topic, 0);
    const options = { max_bytes: fetch_bytes_max, wait_ms: 0, purpose: 'ask' } as const;
    const chunk = await fetchChunk(topics, topic, 0, reached, options);
    if (chunk.high < reached || chunk.low < 0n) return undefined;
    cache.keep(topic, 0, chunk);
    topics.reached(topic, 0, chunk.high);
    return { low: chunk.low, high: chunk.high };
  }

  /** Resolves when the end is above `offset`, or `signal` aborts, or the handle is closed. All waits share one poll. */
  async wait(offset: bigint, signal: AbortSignal): Promise<void> {
    const { closing } = this.#access.surroundings;
    if (this.#high > offset || signal.aborted || closing.aborted) return;
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', waiter.wake);
      };
      const waiter: Waiter = {
        offset,
        wake: () => {
          end();
          resolve();
        },
        fail: (error) => {
          end();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', waiter.wake, { once: true });
      if (!this.#isPolling) void this.#poll();
    });
  }

  /** Ends every wait. */
  close(): void {
    for (const waiter of [...this.#waiters]) waiter.wake();
  }

  async #poll(): Promise<void> {
    this.#isPolling = true;
    try {
      while (this.#waiters.size > 0) {
        const chunk = await this.#longPoll();
        if (chunk.high > this.#high) this.#high = chunk.high;
        for (const waiter of [...this.#waiters]) if (this.#high > waiter.offset) waiter.wake();
      }
    } catch (error) {
      const isClosed = this.#access.surroundings.closing.aborted;
      for (const waiter of [...this.#waiters]) isClosed ? waiter.wake() : waiter.fail(error);
    } finally {
      this.#isPolling = false;
    }
  }

  /** Waits at the end for the first byte beyond it, on a connection of its own. Brokers that are away are waited out. */
  async #longPoll(): Promise<Chunk> {
    const { topics, cache, surroundings } = this.#access;
    const doing = `waiting for records in ${this.#topic}`;
    const polling = persist(surroundings, { doing }, async () => {
      const topic = await topics.get(this.#topic);
      if (this.#high < 0n) return await this.#end(topic);
      const options = { max_bytes: fetch_bytes_max, wait_ms: poll_ms, purpose: 'poll' } as const;
      const chunk = await fetchChunk(topics, topic, 0, this.#high, options).catch((error: unknown) => {
        if (!isFault(error, 'MR-3003')) throw error;
        // Nobody waited for long, and what was the end then is trimmed by now: that is nobody's gap.
        return this.#end(topic);
      });
      cache.keep(topic, 0, chunk);
      return chunk.end > chunk.high ? { ...chunk, high: chunk.end } : chunk;
    });
    return await abortable(polling, surroundings.closing);
  }

  async #end(topic: KnownTopic): Promise<Chunk> {
    const { high } = await readWatermarks(this.#access.topics, topic, 0);
    return { start: high, end: high, low: high, high, records: Buffer.alloc(0) };
  }
}

async function recordsFrom(
  cursor: BatchCursor,
  from: bigint,
  max_bytes: number,
): Promise<ProgressChunk & { readonly byte: number }> {
  const records: { offset: bigint; bytes: Uint8Array }[] = [];
  let bytes = 0;
  let next = from;
  for (let end = cursor.peekEnd(); end !== undefined; end = cursor.peekEnd()) {
    if (end <= from) {
      cursor.skipBatch();
      continue;
    }
    const byte = cursor.nextBatch_byte;
    await cursor.openBatch();
    while (cursor.next()) {
      const { offset, headerLength, valueLength, valueStart } = cursor;
      if (offset < next || headerLength < 0 || valueLength < 0) continue;
      bytes += valueLength;
      if (records.length > 0 && bytes > max_bytes) return { records, next: offset, byte };
      records.push({
        offset,
        bytes: new Uint8Array(cursor.bytes.subarray(valueStart, valueStart + valueLength)),
      });
    }
    next = end;
  }
  return { records, next, byte: cursor.nextBatch_byte };
}
