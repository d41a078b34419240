import type { KafkaCluster } from '@millrace/local-kafka';
import { PgServer } from '@millrace/local-postgres';

/** The servers that the demo runs on, all its own. */
export class DemoServers {
  readonly #postgres: PgServer[] = [];
  #kafka: KafkaCluster | undefined;

  /** All of them at once, Kafka only when asked. */
  async start(withKafka: boolean): Promise<{ readonly leader: PgServer; readonly replica: PgServer }> {
    const broker = withKafka ? this.#startKafka() : undefined;
    const [leader, replica] = await Promise.all([this.#startPostgres(), this.#startPostgres(), broker]);
    return { leader, replica };
  }

  /** Addresses of the Kafka cluster, if there is one. */
  get brokers(): KafkaCluster['brokers'] | undefined {
    return this.#kafka?.brokers;
  }

  /** Its one broker. */
  get broker(): KafkaCluster['nodes'][number] | undefined {
    return this.#kafka?.nodes[0];
  }

  async remove(): Promise<void> {
    await Promise.allSettled([
      ...this.#postgres.map((server) => server.remove()),
      // At the end of an interrupted start there may be one that nobody has told us of: it ends with this process.
      this.#kafka?.remove(),
    ]);
  }

  async #startPostgres(): Promise<PgServer> {
    const server = await PgServer.create({ version: 18 });
    this.#postgres.push(server);
    return server;
  }

  async #startKafka(): Promise<void> {
    // Loaded when it is asked for: the embedded log needs no Java.
    const { startKafka } = await import('@millrace/local-kafka');
    this.#kafka = await startKafka();
  }
}
