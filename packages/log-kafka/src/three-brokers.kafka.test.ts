import { type KafkaCluster, startKafka } from '@millrace/local-kafka';
import { describeLogConformance } from '@millrace/log/conformance';
import { waitFor } from '@millrace/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaLog } from './options.js';
import { eventsOf, fence, readPlaces } from './testing/events.js';
import { freshPrefix, kafkaHarness, openTestLog } from './testing/harness.js';
import { OutsideClient } from './testing/outside.js';

let cluster: KafkaCluster;

beforeAll(async () => {
  cluster = await startKafka({ nodes: 3 });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
});

describeLogConformance('the log in Kafka, on three brokers,', async () => kafkaHarness(cluster.brokers));

describe('on three brokers', () => {
  it('topics get three replicas of which two must have an append, and no unclean elections', async () => {
    const prefix = freshPrefix();
    const log = await openTestLog(cluster.brokers, prefix);
    const topic = `${prefix}.public.orders`;
    await log.createTopic(topic, 2);
    await log.table('followers').put('a', Buffer.from('1'));
    const outside = new OutsideClient(cluster.brokers);
    for (const name of [topic, `__millrace.${prefix}.progress`, `__millrace.${prefix}.followers`]) {
      const settings = await outside.settings(name);
      expect(settings.get('min.insync.replicas')).toBe('2');
      expect(settings.get('unclean.leader.election.enable')).toBe('false');
      expect(settings.get('message.timestamp.type')).toBe('LogAppendTime');
      expect(settings.get('cleanup.policy')).toBe(name.endsWith('followers') ? 'compact' : 'delete');
    }
    const { used_bytes, topics } = await log.stats();
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([[topic, 2]]);
    expect(used_bytes).toBeGreaterThanOrEqual(0);
    expect(await log.check()).toEqual([]);
    await log.close();
  });

  it('a leader that is killed costs nothing acknowledged; what wants all three replicas waits, visibly, until it is back', async () => {
    const prefix = freshPrefix();
    const topic = `${prefix}.public.orders`;
    const strict = `${prefix}.public.strict`;
    const log = await openTestLog(cluster.brokers, prefix);
    const strictLog = await openTestLog(cluster.brokers, prefix, { topics: { minInsync: 3 } });
    await log.createTopic(topic, 3);
    await strictLog.createTopic(strict, 1);
    const outside = new OutsideClient(cluster.brokers);
    const victim = await outside.leader(topic);
    const writing = new Writer(log, topic, 3);
    const done = writing.run();
    await writing.goesOn(6);
    await cluster.node(victim).kill9();
    await writing.goesOn(12);
    await waitFor(async () => !(await outside.inSync(strict)).includes(victim), {
      what: 'a smaller ISR',
      timeout_ms: 40_000,
    });
    const append = strictLog
      .appender(fence)
      .append([{ topic: strict, partition: 0, records: eventsOf(1, 2) }]);
    const reason = await waitFor(() => strictLog.waiting(), { what: 'a visible wait' });
    expect(reason).toBe(
      `1 of 3 in-sync replicas missing for ${strict}/0, fewer than its min.insync.replicas are left`,
    );
    await cluster.node(victim).start();
    expect(await append).toMatchObject([{ first: 0n, last: 1n }]);
    await waitFor(() => strictLog.waiting() === undefined, { what: 'the end of all waits' });
    await strictLog.close();
    writing.stop();
    await done;
    await writing.nothingIsLost();
    await log.close();
  }, 120_000);
});

/** Appends one event per partition and commit, with a new appender after each unknown outcome, as capture does (R12). */
class Writer {
  readonly #log: KafkaLog;
  readonly #topic: string;
  readonly #partitions: readonly number[];
  readonly #acknowledged: { readonly partition: number; readonly place: string; readonly offset: bigint }[] =
    [];
  #isStopped = false;
  #commit = 0;

  constructor(log: KafkaLog, topic: string, partitions: number) {
    this.#log = log;
    this.#topic = topic;
    this.#partitions = Array.from({ length: partitions }, (_, partition) => partition);
  }

  async run(): Promise<void> {
    let appender = this.#log.appender(fence);
    while (!this.#isStopped) {
      const commit = ++this.#commit;
      const batches = this.#partitions.map((partition) => ({
        topic: this.#topic,
        partition,
        records: eventsOf(commit, 1),
      }));
      try {
        for (const { partition, first } of await appender.append(batches))
          this.#acknowledged.push({ partition, place: `${commit}.0`, offset: first });
      } catch (error) {
        expect(error).toMatchObject({ code: 'MR-3013' });
        appender = this.#log.appender(fence);
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async goesOn(appends: number): Promise<void> {
    const before = this.#acknowledged.length;
    const isFurther = (): boolean => this.#acknowledged.length >= before + appends;
    await waitFor(isFurther, { what: `${appends} appends`, timeout_ms: 40_000 });
  }

  /** What is acknowledged stands at its offset, in order; what was not may be there or not. */
  async nothingIsLost(): Promise<void> {
    for (const partition of this.#partitions) {
      const mine = this.#acknowledged.filter((one) => one.partition === partition);
      const { high } = await this.#log.watermarks(this.#topic, partition);
      const range = { topic: this.#topic, partition, first: 0n, last: high - 1n };
      const places = await readPlaces(this.#log, range);
      expect(mine.length).toBeGreaterThan(4);
      for (const { place, offset } of mine) expect(places[Number(offset)]).toBe(place);
      const offsets = mine.map(({ offset }) => Number(offset));
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    }
  }
}
