import { silentLogger } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { ScriptedBroker } from '../testing/scripted-broker.js';
import type { ClusterMetadata } from '../wire/apis.js';
import { Cluster } from './cluster.js';
import { Trouble } from './trouble.js';

const topic = 'shop.public.orders';
const justStarted: ClusterMetadata = { brokers: [], topics: [] };
const knowing = (broker: ScriptedBroker): ClusterMetadata => ({
  brokers: [{ id: 1, ...broker.endpoint }],
  topics: [
    {
      error: 0,
      name: topic,
      id: new Uint8Array(16).fill(7),
      isInternal: false,
      partitions: [{ index: 0, leader: 1, leaderEpoch: 0, replicas: [1], inSync: [1] }],
      operations: undefined,
    },
  ],
});

const brokers: ScriptedBroker[] = [];
let cluster: Cluster | undefined;

async function start(answer: (number: number) => ClusterMetadata): Promise<ScriptedBroker> {
  const broker = await ScriptedBroker.start(answer);
  brokers.push(broker);
  return broker;
}

function connect(): Cluster {
  const settings = { clientId: 'test', tls: undefined, sasl: undefined, logger: silentLogger };
  cluster = new Cluster(
    brokers.map(({ endpoint }) => endpoint),
    settings,
  );
  return cluster;
}

afterEach(async () => {
  cluster?.close();
  for (const broker of brokers.splice(0)) await broker.stop();
});

describe('a broker that has just started and knows of no brokers yet', () => {
  it('is passed over for one that knows the topics', async () => {
    const young = await start(() => justStarted);
    const old = await start(() => knowing(old));
    const described = await connect().describe(undefined);
    expect(described.topics.map(({ name }) => name)).toEqual([topic]);
    expect(young.asked).toBe(1);
  });

  it('is trouble that passes when there is no other, and no news about topics', async () => {
    const alone = await start((number) => (number < 2 ? justStarted : knowing(alone)));
    const asking = connect();
    await expect(asking.describe(undefined)).rejects.toThrow(Trouble);
    await expect(asking.ask(topic)).rejects.toThrow(/knows of no brokers yet/);
    expect(await asking.ask(topic)).toMatchObject({ name: topic });
  });
});
