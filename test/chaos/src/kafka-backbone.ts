import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaCluster, type KafkaNode, startKafka } from '@millrace/local-kafka';

export const kafkaTroubles = ['broker'] as const;
/** `broker`: SIGKILL to one of them, and a start some time later. */
export type KafkaTrouble = (typeof kafkaTroubles)[number];

export const isKafkaTrouble = (victim: string): victim is KafkaTrouble =>
  (kafkaTroubles as readonly string[]).includes(victim);

/** A broker stays away for up to this long. */
const away_ms_max = 3_000;

/** Brokers of our own as the log of a pipeline. */
export class KafkaBackbone implements AsyncDisposable {
  readonly cluster: KafkaCluster;

  private constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
  }

  static async start(nodes: 1 | 3): Promise<KafkaBackbone> {
    return new KafkaBackbone(await startKafka({ nodes }));
  }

  /** `log:` of a configuration. */
  get yaml(): string {
    const { brokers, nodes } = this.cluster;
    const replication = nodes.length;
    const topics = `{ partitions: 3, replication: ${replication}, min_insync: ${Math.min(2, replication)} }`;
    return `{ kafka: { brokers: [${brokers.map((broker) => JSON.stringify(broker)).join(', ')}], topics: ${topics} } }`;
  }

  async strike(_: KafkaTrouble, random: () => number): Promise<void> {
    const { nodes } = this.cluster;
    const node = nodes[Math.floor(random() * nodes.length)] as KafkaNode;
    await node.kill9();
    await sleep(random() * away_ms_max);
    await node.start();
  }

  /** All nodes but one are away for `outage_ms`. */
  async outage(outage_ms: number): Promise<void> {
    const away = this.cluster.nodes.slice(1);
    await Promise.all(away.map((node) => node.kill9()));
    await sleep(outage_ms);
    await Promise.all(away.map((node) => node.start()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.remove();
  }
}
