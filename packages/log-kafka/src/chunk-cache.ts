import type { KnownTopic } from './connection/cluster.js';
import type { Chunk } from './fetching.js';
import { BatchCursor } from './wire/batch-cursor.js';

interface Kept {
  readonly partition: string;
  readonly chunk: Chunk;
  /** Where a reader stood last: the next range mostly begins there. */
  place: { readonly offset: bigint; readonly byte: number };
}

/** At the log's head a chunk holds a record or two, and every look goes through all that are kept. */
const chunks_max = 1_000;

/**
 * What was fetched lately. Records of small transactions name short ranges that follow each other: without this, each would fetch the
 * same bytes again. What a chunk holds never changes; the oldest go when the limit is reached.
 */
export class ChunkCache {
  readonly #limit_bytes: number;
  /** Least lately used first. */
  #kept: Kept[] = [];
  #held_bytes = 0;

  constructor(limit_bytes: number) {
    this.#limit_bytes = limit_bytes;
  }

  get held_bytes(): number {
    return this.#held_bytes;
  }

  /** The chunk that holds `offset`, with a cursor at or before the batch that does. */
  find(
    topic: KnownTopic,
    partition: number,
    offset: bigint,
  ): { chunk: Chunk; cursor: BatchCursor } | undefined {
    const key = keyOf(topic, partition);
    const index = this.#kept.findIndex(
      (kept) => kept.partition === key && kept.chunk.start <= offset && offset < kept.chunk.end,
    );
    if (index < 0) return undefined;
    const [kept] = this.#kept.splice(index, 1) as [Kept];
    this.#kept.push(kept);
    const from = kept.place.offset <= offset ? kept.place.byte : 0;
    return {
      chunk: kept.chunk,
      cursor: new BatchCursor(kept.chunk.records, `${topic.name}/${partition}`, from),
    };
  }

  keep(topic: KnownTopic, partition: number, chunk: Chunk): void {
    if (chunk.end === chunk.start || chunk.records.length > this.#limit_bytes) return;
    this.#kept.push({ partition: keyOf(topic, partition), chunk, place: { offset: chunk.start, byte: 0 } });
    this.#held_bytes += chunk.records.length;
    while (this.#held_bytes > this.#limit_bytes || this.#kept.length > chunks_max) {
      const oldest = this.#kept.shift();
      if (!oldest) break;
      this.#held_bytes -= oldest.chunk.records.length;
    }
  }

  /** A reader stopped before the batch at `byte`, which holds nothing below `offset`. */
  mark(chunk: Chunk, offset: bigint, byte: number): void {
    const kept = this.#kept.find((candidate) => candidate.chunk === chunk);
    if (kept) kept.place = { offset, byte };
  }

  /** Forgets a partition: it was trimmed. */
  drop(topic: KnownTopic, partition: number): void {
    const key = keyOf(topic, partition);
    this.#kept = this.#kept.filter((kept) => kept.partition !== key);
    this.#held_bytes = this.#kept.reduce((sum, { chunk }) => sum + chunk.records.length, 0);
  }
}

const keyOf = (topic: KnownTopic, partition: number): string => `${topic.idText}/${partition}`;
