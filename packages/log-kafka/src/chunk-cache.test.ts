import { describe, expect, it } from 'vitest';
import { ChunkCache } from './chunk-cache.js';
import type { KnownTopic } from './connection/cluster.js';
import { singleRecordBatch } from './wire/batch-encoder.js';

const topicOf = (idText: string): KnownTopic => ({
  name: 't',
  id: new Uint8Array(16),
  idText,
  partitions: [],
});
const topic = topicOf('one');

/** Batches of one record each, offsets from `start` on. */
function chunkOf(start: bigint, count: number) {
  const batches = Array.from({ length: count }, (_, i) => {
    const batch = singleRecordBatch(undefined, Buffer.from('v'), 1);
    batch.writeBigInt64BE(start + BigInt(i), 0);
    return batch;
  });
  const end = start + BigInt(count);
  return { start, end, low: 0n, high: end, records: Buffer.concat(batches) };
}

describe('what was fetched', () => {
  it('is kept in so few pieces that looking through them costs nothing, however small they are', () => {
    const cache = new ChunkCache(16 * 1024 * 1024);
    for (let start = 0n; start < 3_000n; start++) cache.keep(topic, 0, chunkOf(start, 1));
    expect(cache.find(topic, 0, 1_999n)).toBeUndefined();
    expect(cache.find(topic, 0, 2_000n)).toBeDefined();
    expect(cache.held_bytes).toBe(1_000 * chunkOf(0n, 1).records.length);
  });

  it('serves the ranges that follow, from where the last one ended', async () => {
    const cache = new ChunkCache(10_000);
    const chunk = chunkOf(10n, 5);
    cache.keep(topic, 0, chunk);
    const first = cache.find(topic, 0, 10n)!;
    first.cursor.skipBatch();
    cache.mark(chunk, 11n, first.cursor.nextBatch_byte);
    const next = cache.find(topic, 0, 11n)!;
    expect(next.cursor.nextBatch_byte).toBe(first.cursor.nextBatch_byte);
    // A reader that begins before that place starts at the chunk's begin again.
    expect(cache.find(topic, 0, 10n)!.cursor.nextBatch_byte).toBe(0);
  });

  it('is never served beyond its end, to another partition, or to a topic made anew', () => {
    const cache = new ChunkCache(10_000);
    cache.keep(topic, 0, chunkOf(10n, 5));
    expect(cache.find(topic, 0, 9n)).toBeUndefined();
    expect(cache.find(topic, 0, 15n)).toBeUndefined();
    expect(cache.find(topic, 1, 10n)).toBeUndefined();
    expect(cache.find(topicOf('two'), 0, 10n)).toBeUndefined();
  });

  it('stays within its bytes, the least lately used going first, and forgets what was trimmed', () => {
    const size = chunkOf(0n, 1).records.length;
    const cache = new ChunkCache(2 * size);
    for (const start of [0n, 1n]) cache.keep(topic, 0, chunkOf(start, 1));
    cache.find(topic, 0, 0n);
    cache.keep(topic, 0, chunkOf(2n, 1));
    expect(cache.held_bytes).toBeLessThanOrEqual(2 * size);
    expect(cache.find(topic, 0, 1n)).toBeUndefined();
    expect(cache.find(topic, 0, 0n)).toBeDefined();
    cache.drop(topic, 0);
    expect(cache.held_bytes).toBe(0);
    expect(cache.find(topic, 0, 0n)).toBeUndefined();
  });
});
