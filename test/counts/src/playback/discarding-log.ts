import type { AppendedRange, Appender, Log, PartitionBatch } from '@millrace/log';

/** A log that keeps the chain and forgets the events. */
export function discardingLog(log: Log): Log {
  const ends = new Map<string, bigint>();
  const discard = ({ topic, partition, records }: PartitionBatch): AppendedRange => {
    const key = `${topic}/${partition}`;
    const first = ends.get(key) ?? 0n;
    const end = first + BigInt(records.count);
    ends.set(key, end);
    return { topic, partition, first, last: end - 1n };
  };
  const appenderOf = (chain: Appender): Appender => ({
    append: async (batches) => batches.map(discard),
    publish: async (batches, record) => {
      const ranges = batches.map(discard);
      const { offset } = await chain.publish([], () => record(ranges));
      return { offset, ranges };
    },
  });
  return {
    id: log.id,
    needsTrim: log.needsTrim,
    progress: log.progress,
    topics: () => log.topics(),
    createTopic: (name, partitions) => log.createTopic(name, partitions),
    watermarks: (topic, partition) => log.watermarks(topic, partition),
    appender: (fence) => appenderOf(log.appender(fence)),
    read: (range, options) => log.read(range, options),
    table: (name) => log.table(name),
    trim: (request) => log.trim(request),
    waiting: () => log.waiting(),
    close: () => log.close(),
  };
}
