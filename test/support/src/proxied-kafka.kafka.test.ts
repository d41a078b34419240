import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ProxiedKafka, startProxiedKafka } from './proxied-kafka.js';

let kafka: ProxiedKafka;

/** One try and two seconds: what gets lost must show. */
const clientOf = (brokers: readonly string[]): Kafka =>
  new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 2_000,
    enforceRequestTimeout: true,
    retry: { retries: 0 },
  });

beforeAll(async () => {
  kafka = await startProxiedKafka();
  const admin = clientOf(kafka.brokers).admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic: 't' }] });
  await admin.disconnect();
});
afterAll(() => kafka.remove());

/** Values in topic `t`, as a client sees them that comes past the proxy. */
async function end(): Promise<number> {
  const admin = clientOf(kafka.cluster.brokers).admin();
  await admin.connect();
  try {
    return Number((await admin.fetchTopicOffsets('t'))[0]?.high);
  } finally {
    await admin.disconnect();
  }
}

async function send(value: string): Promise<void> {
  const producer = clientOf(kafka.brokers).producer({ retry: { retries: 0 } });
  await producer.connect();
  try {
    await producer.send({ topic: 't', acks: -1, messages: [{ value }] });
  } finally {
    await producer.disconnect();
  }
}

it('clients stay on the proxies: brokers tell them no other address', async () => {
  const before = kafka.proxy(1).bytes;
  await send('a'.repeat(10_000));
  expect(kafka.proxy(1).bytes - before).toBeGreaterThan(10_000);
});

it('a lost response looks like a broken connection to the client, and the record is there', async () => {
  const before = await end();
  const lost = kafka.proxy(1).lose({ what: 'response' });
  await expect(send('b')).rejects.toThrow(/[Cc]losed connection|Connection error/);
  await lost;
  expect(await end()).toBe(before + 1);
  await send('c');
  expect(await end()).toBe(before + 2);
});

it('a lost request looks the same, and the record is not there', async () => {
  const before = await end();
  const lost = kafka.proxy(1).lose({ what: 'request' });
  await expect(send('d')).rejects.toThrow(/[Cc]losed connection|Connection error/);
  await lost;
  expect(await end()).toBe(before);
});

it('when the connection stays the client waits for as long as it has patience', async () => {
  const before = await end();
  const lost = kafka.proxy(1).lose({ what: 'response', connection: 'stays' });
  await expect(send('e')).rejects.toThrow(/timed out/);
  await lost;
  expect(await end()).toBe(before + 1);
});
