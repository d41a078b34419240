import { type KafkaCluster, startKafka } from '@millrace/local-kafka';
import { describeLogConformance } from '@millrace/log/conformance';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BrokerLink } from './connection/broker-link.js';
import { claimBytes, eventsOf, fence, readPlaces } from './testing/events.js';
import { freshPrefix, kafkaHarness, openTestLog } from './testing/harness.js';
import { OutsideClient } from './testing/outside.js';

let cluster: KafkaCluster;

beforeAll(async () => {
  cluster = await startKafka();
});
afterAll(async () => {
  await cluster?.remove();
});

describeLogConformance('the log in Kafka, on one broker,', async () => kafkaHarness(cluster.brokers));

describe('the log in Kafka', () => {
  it('appends by the topic’s name to brokers that do not know it by its id yet', async () => {
    // Before Kafka 4.1.
    const older = vi.spyOn(BrokerLink.prototype, 'speaks').mockResolvedValue(false);
    const prefix = freshPrefix();
    const topic = `${prefix}.public.orders`;
    const log = await openTestLog(cluster.brokers, prefix);
    try {
      await log.createTopic(topic, 2);
      const batches = [0, 1].map((partition) => ({ topic, partition, records: eventsOf(partition, 3) }));
      const { ranges, offset } = await log.appender(fence).publish(batches, () => claimBytes(log));
      expect(offset).toBe(0n);
      for (const range of ranges)
        expect(await readPlaces(log, range)).toEqual([0, 1, 2].map((i) => `${range.partition}.${i}`));
    } finally {
      older.mockRestore();
      await log.close();
    }
  });

  it('does not exist for a reader before somebody made it: MR-3015, and then it is the same', async () => {
    const prefix = freshPrefix();
    const reading = () => openTestLog(cluster.brokers, prefix, { readOnly: true });
    await expect(reading()).rejects.toMatchObject({ code: 'MR-3015' });
    const log = await openTestLog(cluster.brokers, prefix);
    const reader = await reading();
    expect(Buffer.from(reader.id).equals(Buffer.from(log.id))).toBe(true);
    expect(await reader.table('followers').entries()).toEqual([]);
    expect(await reader.topics()).toEqual([]);
    await log.table('followers').put('a', Buffer.from('1'));
    expect((await reader.table('followers').entries()).map(([key]) => key)).toEqual(['a']);
    await reader.close();
    await log.close();
  });

  it('is one, however many open it first at the same time', async () => {
    const prefix = freshPrefix();
    const logs = await Promise.all([1, 2, 3, 4].map(() => openTestLog(cluster.brokers, prefix)));
    expect(new Set(logs.map(({ id }) => Buffer.from(id).toString('hex'))).size).toBe(1);
    await Promise.all(logs.map((log) => log.createTopic(`${prefix}.public.orders`, 2)));
    await Promise.all(logs.map((log, i) => log.table('notes').put(`k${i}`, Buffer.from('v'))));
    expect(await logs[0]!.table('notes').entries()).toHaveLength(4);
    await Promise.all(logs.map((log) => log.close()));
  });

  it('is refused where its progress topic would lose records, or its events would be compacted: MR-3021', async () => {
    const outside = new OutsideClient(cluster.brokers);
    const prefix = freshPrefix();
    const progress = `__millrace.${prefix}.progress`;
    await outside.create(progress, { 'retention.ms': '604800000' });
    await expect(openTestLog(cluster.brokers, prefix)).rejects.toMatchObject({
      code: 'MR-3021',
      remedy: expect.stringContaining(`--entity-name ${progress} --add-config retention.ms=-1`),
    });
    const other = freshPrefix();
    const log = await openTestLog(cluster.brokers, other);
    await outside.create(`${other}.public.orders`, { 'cleanup.policy': 'compact' });
    await expect(log.createTopic(`${other}.public.orders`, 1)).rejects.toMatchObject({ code: 'MR-3021' });
    await log.close();
  });

  it('tells what a record larger than its topic takes would need: MR-3020', async () => {
    const prefix = freshPrefix();
    const topic = `${prefix}.public.orders`;
    const log = await openTestLog(cluster.brokers, prefix, { topics: { maxMessage_bytes: 10_000 } });
    await log.createTopic(topic, 1);
    const append = (length: number) =>
      log.appender(fence).append([{ topic, partition: 0, records: eventsOf(1, 2, 'x'.repeat(length)) }]);
    expect(await append(9_000)).toMatchObject([{ first: 0n, last: 1n }]);
    await expect(append(20_000)).rejects.toThrow(/MR-3020.*max\.message\.bytes is 10000/);
    await log.close();
  });
});
