import { type KafkaCluster, type KafkaOptions, startKafka } from '@millrace/local-kafka';
import { KafkaProxy } from './kafka-proxy.js';

/** A cluster that clients reach through one proxy before each node. */
export class ProxiedKafka {
  readonly cluster: KafkaCluster;
  /** Of node 1, 2, 3. */
  readonly proxies: readonly KafkaProxy[];

  constructor(cluster: KafkaCluster, proxies: readonly KafkaProxy[]) {
    this.cluster = cluster;
    this.proxies = proxies;
  }

  /** Bootstrap addresses through the proxies; brokers tell clients of no others. `cluster.brokers` go past them. */
  get brokers(): readonly string[] {
    return this.cluster.proxiedBrokers;
  }

  /** The proxy before the node of an id, 1 to 3. */
  proxy(id: number): KafkaProxy {
    const found = this.proxies[id - 1];
    if (found === undefined) throw new RangeError(`there is no node ${id}`);
    return found;
  }

  async remove(): Promise<void> {
    await this.cluster.remove();
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/** Starts a real Kafka of one or three nodes with a proxy before each. */
export async function startProxiedKafka(
  options: Omit<KafkaOptions, 'advertise'> = {},
): Promise<ProxiedKafka> {
  const proxies: KafkaProxy[] = [];
  try {
    for (let id = 1; id <= (options.nodes ?? 1); id++) proxies.push(await KafkaProxy.startEarly());
    const cluster = await startKafka({
      ...options,
      advertise({ id, host, port }) {
        const proxy = proxies[id - 1] as KafkaProxy;
        proxy.target = { host, port };
        return { host: '127.0.0.1', port: proxy.port };
      },
    });
    return new ProxiedKafka(cluster, proxies);
  } catch (error) {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    throw error;
  }
}
