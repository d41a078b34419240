import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaCluster, startKafka } from '@millrace/local-kafka';
import { RecordCursor } from '@millrace/log';
import { TcpProxy, waitFor } from '@millrace/test-support';
import { CompressionTypes } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KafkaLog } from './options.js';
import { claimBytes, eventsOf, fence, readPlaces } from './testing/events.js';
import { freshPrefix, openTestLog } from './testing/harness.js';
import { OutsideClient } from './testing/outside.js';

let cluster: KafkaCluster;
let proxy: TcpProxy;
let outside: OutsideClient;
let prefix: string;
let topic: string;
let log: KafkaLog;

beforeAll(async () => {
  proxy = await TcpProxy.start({ host: '127.0.0.1', port: 0 });
  cluster = await startKafka({
    // Everything is allowed but what a test says.
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
    },
    advertise: ({ host, port }) => {
      proxy.target = { host, port };
      return { host: '127.0.0.1', port: proxy.port };
    },
  });
  outside = new OutsideClient(cluster.brokers);
});
afterAll(async () => {
  await cluster?.remove();
  await proxy?.stop();
});

beforeEach(async () => {
  prefix = freshPrefix();
  topic = `${prefix}.public.orders`;
  log = await openTestLog(cluster.brokers, prefix);
  await log.createTopic(topic, 1);
});
afterEach(async () => {
  await log.close();
});

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();
const orders = (records = eventsOf(1, 3)) => [{ topic, partition: 0, records }];

describe('outside of Millrace', () => {
  it('a consumer sees key, value, tombstone and the millrace header, and nothing more', async () => {
    await log.appender(fence).append(orders(eventsOf(7, 3, 'value', true)));
    const messages = await outside.consume(topic, 3);
    expect(messages.map(({ key }) => key?.toString())).toEqual(['k0', 'k1', 'k2']);
    expect(messages.map(({ value }) => value?.toString())).toEqual(['value', 'value', undefined]);
    expect(messages.map(({ headers }) => Object.keys(headers ?? {}))).toEqual([
      ['millrace'],
      ['millrace'],
      ['millrace'],
    ]);
    const header = messages[1]!.headers!.millrace as Buffer;
    expect(header.readUInt32BE(4)).toBe(1);
    expect(header.readBigUInt64BE(8)).toBe(7n);
    expect(header.readBigUInt64BE(16)).toBe(1n);
  });

  it('a producer’s records, compressed or not, are passed over and do not count (R19)', async () => {
    const appender = log.appender(fence);
    const [before] = await appender.append(orders());
    const producer = outside.kafka.producer();
    await producer.connect();
    const messages = [
      { value: 'foreign' },
      { key: 'k1', value: null },
      { value: 'x', headers: { other: 'h' } },
    ];
    await producer.send({ topic, messages, compression: CompressionTypes.GZIP });
    await producer.send({ topic, messages });
    await producer.disconnect();
    const [after] = await appender.append(orders(eventsOf(2, 2)));
    expect(after!.first).toBe(before!.last + 7n);
    const places = await readPlaces(log, { topic, partition: 0, first: before!.first, last: after!.last });
    expect(places).toEqual(['1.0', '1.1', '1.2', '2.0', '2.1']);
  });

  it('transactions leave markers and holes, which are passed over (R19)', async () => {
    const appender = log.appender(fence);
    const [before] = await appender.append(orders());
    const producer = outside.kafka.producer({
      transactionalId: `t-${prefix}`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: 'aborted' }] });
    await transaction.abort();
    await producer.disconnect();
    const high = before!.last + 3n;
    await waitFor(async () => (await log.watermarks(topic, 0)).high === high, { what: 'the marker' });
    // The marker is the partition's last record: a range that ends on it ends, too.
    const places = await readPlaces(log, { topic, partition: 0, first: before!.first, last: high - 1n });
    expect(places).toHaveLength(3);
  });
});

describe('an append whose answer is lost', () => {
  it('is MR-3013, is in the log, and ends its appender; a new one goes on (R12)', async () => {
    const lossy = await openTestLog(cluster.proxiedBrokers, prefix);
    const appender = lossy.appender(fence);
    await appender.append(orders());
    proxy.drop('toClient');
    const outcome = expect(appender.append(orders(eventsOf(2, 3)))).rejects.toMatchObject({
      code: 'MR-3013',
    });
    await waitFor(async () => (await log.watermarks(topic, 0)).high === 6n, { what: 'the append' });
    proxy.undrop('toClient');
    proxy.cut();
    await outcome;
    await expect(appender.append(orders(eventsOf(3, 3)))).rejects.toMatchObject({ code: 'MR-3013' });
    const [range] = await lossy.appender(fence).append(orders(eventsOf(3, 3)));
    expect(range!.first).toBe(6n);
    await lossy.close();
  });

  it('is repeated by the caller when it was a claim, and by the table when it was a put', async () => {
    const lossy = await openTestLog(cluster.proxiedBrokers, prefix);
    await lossy.table('notes').put('key', Buffer.from('before'));
    const high = async () => (await log.progress.watermarks()).high;
    proxy.drop('toClient');
    const claim = expect(lossy.progress.appendClaim(claimBytes(log), fence)).rejects.toMatchObject({
      code: 'MR-3013',
    });
    await waitFor(async () => (await high()) === 1n, { what: 'the claim' });
    const put = lossy.table('notes').put('key', Buffer.from('after'));
    await waitFor(async () => text(await log.table('notes').get('key')) === 'after', { what: 'the put' });
    proxy.undrop('toClient');
    proxy.cut();
    await claim;
    await put;
    expect(await lossy.progress.appendClaim(claimBytes(log), fence)).toBe(1n);
    await lossy.close();
  });
});

describe('a topic that is deleted and made again', () => {
  it('refuses appends with MR-3005, also when its offsets would fit, and gives readers none of its records for ours', async () => {
    const appender = log.appender(fence);
    const [range] = await appender.append(orders());
    await outside.admin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] });
      await waitFor(async () => !(await admin.listTopics()).includes(topic), { what: 'the deletion' });
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false });
      const producer = outside.kafka.producer();
      await producer.connect();
      const messages = Array.from({ length: 20 }, () => ({ value: 'other' }));
      await waitFor(
        async () => {
          await producer.send({ topic, messages });
          return true;
        },
        { what: 'the new topic' },
      );
      await producer.disconnect();
    });
    await expect(appender.append(orders(eventsOf(2, 1)))).rejects.toMatchObject({ code: 'MR-3005' });
    expect(await readPlaces(log, range!)).toEqual([]);
    // Who writes on has been told, and begins where the new one stands.
    const [next] = await log.appender(fence).append(orders(eventsOf(3, 1)));
    expect(next!.first).toBe(20n);
  });

  it('is another log when it is the progress topic: MR-3006', async () => {
    await log.progress.appendClaim(claimBytes(log), fence);
    const progress = `__millrace.${prefix}.progress`;
    await outside.admin(async (admin) => {
      await admin.deleteTopics({ topics: [progress] });
      await waitFor(async () => !(await admin.listTopics()).includes(progress), { what: 'the deletion' });
    });
    const successor = await openTestLog(cluster.brokers, prefix);
    expect(Buffer.from(successor.id).equals(Buffer.from(log.id))).toBe(false);
    await successor.close();
    await expect(log.appender(fence).publish([], () => claimBytes(log))).rejects.toMatchObject({
      code: 'MR-3006',
    });
    await expect(log.progress.watermarks()).rejects.toMatchObject({ code: 'MR-3006' });
  });
});

describe('records deleted past a reader', () => {
  it('are MR-3003, never a jump to what is left', async () => {
    const appender = log.appender(fence);
    const [old] = await appender.append(orders());
    const [young] = await appender.append(orders(eventsOf(2, 3)));
    await outside.admin(async (admin) => {
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(young!.first) }] });
    });
    await expect(readPlaces(log, old!)).rejects.toMatchObject({ code: 'MR-3003' });
    expect(await readPlaces(log, young!)).toHaveLength(3);
  });
});

describe('privileges that are missing', () => {
  it('are MR-3017 with the operation and the topic, and findings of the check', async () => {
    const progress = `__millrace.${prefix}.progress`;
    const appender = log.appender(fence);
    await appender.append(orders());
    await appender.publish([], () => claimBytes(log));
    await appender.publish([], () => claimBytes(log));
    await outside.mayOnly(topic, ['read']);
    await outside.mayOnly(progress, ['read', 'write']);
    await expect(appender.append(orders(eventsOf(2, 1)))).rejects.toMatchObject({ code: 'MR-3017' });
    await expect(log.trim({ progressBefore: 1n, eventsBefore: [] })).rejects.toMatchObject({
      code: 'MR-3017',
      remedy: `Grant DELETE on topic ${progress}.`,
    });
    const findings = (await log.check()).map(({ finding }) => finding);
    expect(findings).toContainEqual(`this user may not write, delete topic ${topic}`);
    expect(findings).toContainEqual(
      `topic ${topic} has one replica: its events would be lost with that broker`,
    );
  });
});

describe('a broker that is killed', () => {
  it('is waited for by appends, reads and waits, visibly, and all go on when it is back', async () => {
    const appender = log.appender(fence);
    const [before] = await appender.append(orders());
    const { high } = await log.progress.watermarks();
    const stop = new AbortController();
    const woken = log.progress.wait(high, stop.signal);
    await cluster.node(1).kill9();
    await waitFor(() => log.waiting() !== undefined, { what: 'a visible wait' });
    // An epoch that is given up meanwhile repeats nothing any more.
    const stale = expect(appender.append(orders(eventsOf(9, 3)))).rejects.toMatchObject({ code: 'MR-3013' });
    await sleep(50);
    const appended = log.appender(fence).publish(orders(eventsOf(2, 3)), () => claimBytes(log));
    await stale;
    const reader = await readAfter(cluster.node(1).start());
    const { ranges } = await appended;
    await woken;
    expect(ranges[0]!.first).toBeGreaterThan(before!.last);
    expect(reader).toEqual(['1.0', '1.1', '1.2']);
    await waitFor(() => log.waiting() === undefined, { what: 'the end of all waits' });
    stop.abort();
  }, 60_000);

  const readAfter = async (started: Promise<unknown>): Promise<string[]> => {
    const places = readPlaces(log, { topic, partition: 0, first: 0n, last: 2n }, 30_000);
    await started;
    return await places;
  };
});

describe('a disk that is lost, so that partitions begin anew under the same topic', () => {
  it('is MR-3007: what was acknowledged is gone, and is not waited for', async () => {
    const appender = log.appender(fence);
    const { ranges } = await appender.publish(orders(), () => claimBytes(log));
    const { high } = await log.progress.watermarks();
    const waiting = expect(log.progress.wait(high, new AbortController().signal)).rejects.toMatchObject({
      code: 'MR-3007',
    });
    const node = cluster.node(1);
    await node.stop();
    for (const name of [topic, `__millrace.${prefix}.progress`])
      await rm(join(node.folder, 'data', `${name}-0`), { recursive: true });
    await node.start();
    await expect(log.watermarks(topic, 0)).rejects.toMatchObject({ code: 'MR-3007' });
    await expect(readPlaces(log, { ...ranges[0]!, first: ranges[0]!.last })).rejects.toMatchObject({
      code: 'MR-3007',
    });
    await expect(log.progress.watermarks()).rejects.toMatchObject({ code: 'MR-3007' });
    await expect(appender.append(orders())).rejects.toMatchObject({ code: 'MR-3005' });
    await waiting;
  }, 60_000);
});

describe('an idle handle', () => {
  it('wakes no timer and prints no warning, while kafkajs’s own queue would a thousand times a second', async () => {
    await log.appender(fence).append(orders());
    await log.table('notes').put('a', Buffer.from('1'));
    await readPlaces(log, { topic, partition: 0, first: 0n, last: 2n });
    const stop = new AbortController();
    const { high } = await log.progress.watermarks();
    const waiting = log.progress.wait(high, stop.signal);
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => {
      warnings.push(name);
    };
    process.on('warning', onWarning);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await sleep(1_000);
    const started = timers.mock.calls.length;
    timers.mockRestore();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    // A loop of a millisecond per connection makes thousands.
    expect(started).toBeLessThan(10);
    stop.abort();
    await waiting;
  });
});

it('reads many ranges under one signal, and ends them all with it, without a warning', async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => {
    warnings.push(name);
  };
  process.on('warning', onWarning);
  await log.appender(fence).append(orders(eventsOf(1, 40)));
  const stop = new AbortController();
  const reading = Array.from({ length: 40 }, async (_, i) => {
    const range = { topic, partition: 0, first: BigInt(i), last: 100n };
    let count = 0;
    for await (const batch of log.read(range, { signal: stop.signal, max_bytes: 1 << 16 })) {
      count += batch.count;
      expect(count).toBe(40 - i);
    }
  });
  const ended = Promise.allSettled(reading);
  await sleep(200);
  stop.abort();
  for (const { status } of await ended) expect(status).toBe('rejected');
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

it('reads what RecordCursor reads, through every compression', async () => {
  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const writer = await openTestLog(cluster.brokers, prefix, { topics: { compression } });
    const [range] = await writer.appender(fence).append(orders(eventsOf(1, 200, 'x'.repeat(300))));
    let count = 0;
    for await (const batch of log.read(range!, { signal: AbortSignal.timeout(5_000), max_bytes: 1 << 16 })) {
      const cursor = new RecordCursor(batch);
      while (cursor.next()) expect(cursor.value()?.length).toBe(300);
      count += batch.count;
    }
    expect(count).toBe(200);
    await writer.close();
  }
});
