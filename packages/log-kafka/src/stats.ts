import type { KnownTopic } from './connection/cluster.js';
import { readWatermarks } from './offsets.js';
import type { KafkaLogStats, KafkaPartitionStats } from './options.js';
import type { Topics } from './topics.js';
import { describeLogDirs } from './wire/admin-apis.js';

const describe_ms = 10_000;

/** Offsets and sizes of these topics, the progress topic first; one attempt. */
export async function readStats(
  topics: Topics,
  names: readonly string[],
): Promise<Omit<KafkaLogStats, 'waiting'>> {
  const known: KnownTopic[] = [];
  for (const name of names) known.push(await topics.get(name));
  const sizes = await leaderSizes(topics, known);
  const described = await Promise.all(
    known.map(async (topic) => ({
      name: topic.name,
      partitions: await Promise.all(
        topic.partitions.map(async ({ index }): Promise<KafkaPartitionStats> => {
          const bytes = sizes?.get(`${topic.name}/${index}`);
          return { ...(await readWatermarks(topics, topic, index)), bytes };
        }),
      ),
    })),
  );
  const [progress, ...events] = described;
  const nothing: KafkaPartitionStats = { low: 0n, high: 0n, bytes: undefined };
  return {
    used_bytes: sizes && [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
    progress: progress?.partitions[0] ?? nothing,
    topics: events,
  };
}

/** Bytes of each partition's leading replica; undefined where a broker does not tell. */
async function leaderSizes(
  topics: Topics,
  known: readonly KnownTopic[],
): Promise<Map<string, number> | undefined> {
  const leaders = new Map<string, number>();
  for (const topic of known)
    for (const { index, leader } of topic.partitions) leaders.set(`${topic.name}/${index}`, leader);
  const wanted = known.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ index }) => index),
  }));
  const sizes = new Map<string, number>();
  for (const id of new Set(leaders.values())) {
    if (id < 0) return undefined;
    const link = topics.cluster.broker(id, 'ask');
    if (!(await link.speaks(describeLogDirs))) return undefined;
    const { error, replicas } = await link.call(describeLogDirs, { topics: wanted }, describe_ms);
    if (error !== 0) return undefined;
    for (const { topic, partition, bytes } of replicas)
      if (leaders.get(`${topic}/${partition}`) === id) sizes.set(`${topic}/${partition}`, Number(bytes));
  }
  return sizes;
}
