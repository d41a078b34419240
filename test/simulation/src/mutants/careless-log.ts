import {
  type Appender,
  type Log,
  type PackedRecords,
  type PartitionBatch,
  RecordCursor,
} from '@millrace/log';
import { isFault } from '@millrace/runtime';

/** A log whose appenders are made careless. */
const withAppender = (log: Log, careless: (appender: Appender) => Appender): Log => ({
  get id() {
    return log.id;
  },
  needsTrim: log.needsTrim,
  progress: log.progress,
  topics: () => log.topics(),
  createTopic: (name, partitions) => log.createTopic(name, partitions),
  watermarks: (topic, partition) => log.watermarks(topic, partition),
  appender: (fence) => careless(log.appender(fence)),
  read: (range, options) => log.read(range, options),
  table: (name) => log.table(name),
  trim: (request) => log.trim(request),
  waiting: () => log.waiting(),
  close: () => log.close(),
});

/** R10 broken: two requests outstanding for one partition. */
export const twoOutstanding = (log: Log): Log =>
  withAppender(log, (appender) => ({
    append: (batches) => inHalves(appender, batches),
    async publish(batches, record) {
      const ranges = await inHalves(appender, batches);
      const published = await appender.publish([], () => record(ranges));
      return { offset: published.offset, ranges };
    },
  }));

async function inHalves(
  appender: Appender,
  batches: readonly PartitionBatch[],
): ReturnType<Appender['append']> {
  const halves = batches.map(({ records, ...where }) =>
    halvesOf(records).map((half) => ({ ...where, records: half })),
  );
  const [first, second] = await Promise.all([
    appender.append(halves.map(([half]) => half as PartitionBatch)),
    appender.append(halves.map(([, half]) => half as PartitionBatch)),
  ]);
  return batches.flatMap(({ topic, partition }) => {
    const both = [...first, ...second].filter(
      (range) => range.topic === topic && range.partition === partition,
    );
    const [range] = both;
    if (!range) return [];
    const least = both.reduce((low, { first: at }) => (at < low ? at : low), range.first);
    const most = both.reduce((high, { last: at }) => (at > high ? at : high), range.last);
    return [{ topic, partition, first: least, last: most }];
  });
}

function halvesOf(records: PackedRecords): [PackedRecords, PackedRecords] {
  const cursor = new RecordCursor(records);
  const half = records.count >> 1;
  let split = 0;
  for (let i = 0; i < half && cursor.next(); i++) split = cursor.recordEnd;
  return [
    { bytes: Uint8Array.from(records.bytes.subarray(0, split)), count: half },
    { bytes: Uint8Array.from(records.bytes.subarray(split)), count: records.count - half },
  ];
}

/** R11 broken: the record is written although not every partition has acknowledged its events. */
export const recordWithoutAcknowledgement = (log: Log): Log =>
  withAppender(log, (appender) => ({
    append: (batches) => appender.append(batches),
    async publish(batches, record) {
      const outcomes = await Promise.allSettled(batches.map((batch) => appender.append([batch])));
      const ranges = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
      const published = await appender.publish([], () => record(ranges));
      return { offset: published.offset, ranges };
    },
  }));

/** R12 broken: an append of unknown outcome is taken for done, and the epoch goes on. */
export const doubtTakenForSuccess = (log: Log): Log =>
  withAppender(log, (appender) => ({
    append: (batches) => appender.append(batches),
    async publish(batches, record) {
      const ranges = await appender.append(batches);
      try {
        return { ...(await appender.publish([], () => record(ranges))), ranges };
      } catch (error) {
        if (!isFault(error, 'MR-3013')) throw error;
        const { high } = await log.progress.watermarks();
        return { offset: high, ranges };
      }
    },
  }));
