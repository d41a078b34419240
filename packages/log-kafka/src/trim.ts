import { Fault } from '@millrace/runtime';
import type { ChunkCache } from './chunk-cache.js';
import { Trouble } from './connection/trouble.js';
import { readWatermarks } from './offsets.js';
import { type PersistSurroundings, persist } from './persist.js';
import { ask_deadline_ms, type Topics } from './topics.js';
import { deleteRecords } from './wire/apis.js';
import { errorName, kafkaErrors } from './wire/error-codes.js';

const delete_ms = 20_000;

/** Raises a partition's low watermark to `before`, never beyond its end and never back. */
export async function trimPartition(
  topics: Topics,
  cache: ChunkCache,
  surroundings: PersistSurroundings,
  {
    topic: name,
    partition,
    before,
  }: { readonly topic: string; readonly partition: number; readonly before: bigint },
): Promise<void> {
  const doing = `trimming ${name}/${partition}`;
  await persist(surroundings, { doing, deadline_ms: ask_deadline_ms }, async () => {
    const topic = await topics.get(name);
    const { low, high } = await readWatermarks(topics, topic, partition);
    const offset = before < high ? before : high;
    if (offset <= low) return;
    cache.drop(topic, partition);
    const link = topics.cluster.leader(topic, partition, 'trim');
    const { error } = await link.call(
      deleteRecords,
      { topic: name, partition, offset, timeout_ms: delete_ms },
      delete_ms + delete_ms,
    );
    if (error === kafkaErrors.topicAuthorizationFailed)
      throw new Fault('MR-3017', {
        detail: `the brokers do not let this user delete records of ${name}`,
        remedy: `Grant DELETE on topic ${name}.`,
      });
    if (error !== kafkaErrors.none) {
      topics.stale(name);
      throw new Trouble(errorName(error));
    }
    cache.drop(topic, partition);
  });
}
