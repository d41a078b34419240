import { Kafka, logLevel } from 'kafkajs';

/** What an operator's tools do to topics behind a pipeline's back. Topics have three partitions, as the backbone makes them. */
export class KafkaAdmin implements AsyncDisposable {
  readonly #admin;

  private constructor(brokers: readonly string[]) {
    this.#admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  }

  static async connect(brokers: readonly string[]): Promise<KafkaAdmin> {
    const admin = new KafkaAdmin(brokers);
    await admin.#admin.connect();
    return admin;
  }

  /** Deletes the topic and makes one of the same name and size. */
  async recreate(topic: string): Promise<void> {
    const partitions = (await this.#admin.fetchTopicOffsets(topic)).length;
    await this.#admin.deleteTopics({ topics: [topic] });
    for (let made = false; !made; ) {
      // Until the deletion is through, the name is taken.
      made = await this.#admin
        .createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }] })
        .catch(() => false);
    }
  }

  /** Deletes every record of the topic, as retention does. */
  async deleteRecords(topic: string): Promise<void> {
    const ends = await this.#admin.fetchTopicOffsets(topic);
    await this.#admin.deleteTopicRecords({
      topic,
      partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.disconnect();
  }
}
