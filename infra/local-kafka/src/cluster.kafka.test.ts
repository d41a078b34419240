import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from './certificates.js';
import { type KafkaCluster, startKafka } from './cluster.js';

/** An outside client. It gives up soon: what is expected to fail must not take its half minute. */
function clientOf(cluster: KafkaCluster, config: Partial<KafkaConfig> = {}): Kafka {
  const brokers = [...cluster.brokers];
  return new Kafka({
    brokers,
    logLevel: logLevel.NOTHING,
    retry: { retries: 3 },
    connectionTimeout: 2_000,
    ...config,
  });
}

async function send(client: Kafka, topic: string, value: string): Promise<void> {
  const producer = client.producer();
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages: [{ value }] });
  } finally {
    await producer.disconnect();
  }
}

/** Sends until it succeeds: while leaders move, kafkajs gives up in ways of its own. */
async function sendAtLast(client: Kafka, topic: string, value: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      return await send(client, topic, value);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function withAdmin<T>(
  client: Kafka,
  work: (admin: ReturnType<Kafka['admin']>) => Promise<T>,
): Promise<T> {
  const admin = client.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function endOf(client: Kafka, topic: string): Promise<string | undefined> {
  return withAdmin(client, async (admin) => (await admin.fetchTopicOffsets(topic))[0]?.high);
}

/** Several starts, on a machine that may be busy. */
const patience = { timeout: 120_000 };

describe('one node', patience, () => {
  let cluster: KafkaCluster;
  let client: Kafka;
  beforeAll(async () => {
    cluster = await startKafka({ settings: { 'log.retention.hours': '7' } });
    client = clientOf(cluster);
    await withAdmin(client, (admin) => admin.createTopics({ topics: [{ topic: 'kept' }] }));
  });
  afterAll(() => cluster.remove());

  it('serves outside clients, keeps what it acknowledged through SIGKILL, and comes back on its port', async () => {
    await send(client, 'kept', 'a');
    await cluster.node(1).kill9();
    expect(cluster.node(1).running).toBe(false);
    await cluster.node(1).start();
    expect(await endOf(client, 'kept')).toBe('1');
  });

  it('makes no topic that nobody created', async () => {
    await expect(send(client, 'unknown', 'a')).rejects.toThrow(/does not host this topic-partition/);
  });

  it('takes settings for server.properties', async () => {
    const resources = [{ type: 4, name: '1', configNames: ['log.retention.hours'] }]; // 4: a broker
    const { resources: found } = await withAdmin(client, (admin) =>
      admin.describeConfigs({ includeSynonyms: false, resources }),
    );
    expect(found[0]?.configEntries[0]?.configValue).toBe('7');
  });

  it('answers nobody while paused, and goes on afterwards', async () => {
    cluster.node(1).pause();
    const sent = send(client, 'kept', 'b');
    expect(await Promise.race([sent, sleep(500, 'silence')])).toBe('silence');
    cluster.node(1).resume();
    await sent;
  });
});

describe('three nodes', patience, () => {
  it('serve while one of them is dead, and refuse writes while two are', async () => {
    await using cluster = await startKafka({ nodes: 3 });
    const client = clientOf(cluster);
    await withAdmin(client, (admin) =>
      admin.createTopics({ waitForLeaders: true, topics: [{ topic: 't', replicationFactor: 3 }] }),
    );
    await sendAtLast(client, 't', 'a');
    await cluster.node(1).kill9();
    await sendAtLast(client, 't', 'b');
    await cluster.node(2).kill9();
    const few = clientOf(cluster, { retry: { retries: 1 } });
    await expect(send(few, 't', 'c')).rejects.toThrow();
    await Promise.all([cluster.node(1).start(), cluster.node(2).start()]);
    await sendAtLast(client, 't', 'd');
    expect(Number(await endOf(client, 't'))).toBeGreaterThanOrEqual(3);
  });
});

describe('secured listeners', patience, () => {
  const user = { username: 'alice', password: 'S3cret.word' };

  async function list(cluster: KafkaCluster, config: Partial<KafkaConfig>): Promise<string[]> {
    return withAdmin(clientOf(cluster, { retry: { retries: 0 }, ...config }), (admin) => admin.listTopics());
  }

  it('with TLS and SASL let in only those who trust the authority and know the password', async () => {
    await using cluster = await startKafka({ tls: true, sasl: { mechanism: 'plain', ...user } });
    const ssl = { ca: cluster.tls?.ca ?? '' };
    // A new object each time: kafkajs writes into the one it is given.
    const login = (password: string) => ({ mechanism: 'plain', username: user.username, password }) as const;
    expect(await list(cluster, { ssl, sasl: login(user.password) })).toEqual([]);
    await expect(list(cluster, { ssl, sasl: login('wrong') })).rejects.toThrow(/[Aa]uthentication/);
    await expect(list(cluster, { ssl })).rejects.toThrow();
    const stranger = { ca: (await makeCertificates()).ca };
    await expect(list(cluster, { ssl: stranger, sasl: login(user.password) })).rejects.toThrow(/certificate/);
  });

  it('with client certificates and SCRAM let in only those who show a certificate of the authority', async () => {
    await using cluster = await startKafka({
      tls: { clients: 'must-show' },
      sasl: { mechanism: 'scram-sha-512', ...user },
    });
    const { ca = '', key = '', cert = '' } = cluster.tls ?? {};
    const login = (password: string) =>
      ({ mechanism: 'scram-sha-512', username: user.username, password }) as const;
    expect(await list(cluster, { ssl: { ca, key, cert }, sasl: login(user.password) })).toEqual([]);
    await expect(list(cluster, { ssl: { ca, key, cert }, sasl: login('wrong') })).rejects.toThrow(/SCRAM/);
    await expect(list(cluster, { ssl: { ca }, sasl: login(user.password) })).rejects.toThrow();
  });
});
