import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaNode } from '@millrace/local-kafka';
import { type ProxiedKafka, startProxiedKafka } from '@millrace/test-support';

export const kafkaTroubles = ['broker', 'lost-response'] as const;
/** `broker`: SIGKILL to one of them, and a start some time later. `lost-response`: an append is taken, and nobody learns of it. */
export type KafkaTrouble = (typeof kafkaTroubles)[number];

export const isKafkaTrouble = (victim: string): victim is KafkaTrouble =>
  (kafkaTroubles as readonly string[]).includes(victim);

/** A broker stays away for up to this long. */
const away_ms_max = 3_000;
/** A response is lost among the next few of one broker, if so many come in time. */
const lostAmong = 3;
const loss_ms_max = 5_000;
/** How often a connection goes on after the loss, so that its client has to give up by itself. */
const halfOpenShare = 0.2;

/** Brokers of our own, each behind a proxy, as the log of a pipeline. */
export class KafkaBackbone implements AsyncDisposable {
  readonly #kafka: ProxiedKafka;

  private constructor(kafka: ProxiedKafka) {
    this.#kafka = kafka;
  }

  static async start(nodes: 1 | 3): Promise<KafkaBackbone> {
    return new KafkaBackbone(await startProxiedKafka({ nodes }));
  }

  /** Bootstrap addresses past the proxies, for whoever is not under test. */
  get brokers(): readonly string[] {
    return this.#kafka.cluster.brokers;
  }

  /** `log:` of a configuration. */
  get yaml(): string {
    const { brokers, proxies } = this.#kafka;
    const replication = proxies.length;
    const topics = `{ partitions: 3, replication: ${replication}, min_insync: ${Math.min(2, replication)} }`;
    return `{ kafka: { brokers: [${brokers.map((broker) => JSON.stringify(broker)).join(', ')}], topics: ${topics} } }`;
  }

  async strike(trouble: KafkaTrouble, random: () => number): Promise<void> {
    const node = 1 + Math.floor(random() * this.#kafka.proxies.length);
    if (trouble === 'broker') await this.#crash(this.#kafka.cluster.node(node), random);
    else await this.#loseResponse(node, random);
  }

  /** All nodes but one are away for `outage_ms`. */
  async outage(outage_ms: number): Promise<void> {
    const away = this.#kafka.cluster.nodes.slice(1);
    await Promise.all(away.map((node) => node.kill9()));
    await sleep(outage_ms);
    await Promise.all(away.map((node) => node.start()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kafka.remove();
  }

  async #crash(node: KafkaNode, random: () => number): Promise<void> {
    await node.kill9();
    await sleep(random() * away_ms_max);
    await node.start();
  }

  async #loseResponse(node: number, random: () => number): Promise<void> {
    const proxy = this.#kafka.proxy(node);
    const lost = proxy.lose({
      what: 'response',
      nth: 1 + Math.floor(random() * lostAmong),
      connection: random() < halfOpenShare ? 'stays' : 'cut',
    });
    await Promise.race([lost, sleep(loss_ms_max)]);
    proxy.loseNothing();
  }
}
