import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  ConfigResourceTypes,
  Kafka,
  type KafkaMessage,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';

/** Another team's client, as it comes: kafkajs through its public face. */
export class OutsideClient {
  readonly kafka: Kafka;

  constructor(brokers: readonly string[]) {
    this.kafka = new Kafka({ brokers: [...brokers], clientId: 'outside', logLevel: logLevel.NOTHING });
  }

  async admin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async settings(topic: string): Promise<Map<string, string>> {
    const { resources } = await this.admin((admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
      }),
    );
    return new Map(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
    );
  }

  async create(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await this.admin((admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: false }),
    );
  }

  /** From now on a client without credentials may do only this to a topic (and describe it). */
  async mayOnly(topic: string, operations: readonly ('read' | 'write')[]): Promise<void> {
    const numbers = { read: AclOperationTypes.READ, write: AclOperationTypes.WRITE };
    await this.admin((admin) =>
      admin.createAcls({
        acl: operations.map((operation) => ({
          resourceType: AclResourceTypes.TOPIC,
          resourceName: topic,
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: 'User:ANONYMOUS',
          host: '*',
          operation: numbers[operation],
          permissionType: AclPermissionTypes.ALLOW,
        })),
      }),
    );
  }

  /** Who leads partition 0. */
  async leader(topic: string): Promise<number> {
    return (await this.#partitions(topic))[0]?.leader ?? -1;
  }

  /** Replicas in sync of partition 0. */
  async inSync(topic: string): Promise<readonly number[]> {
    return (await this.#partitions(topic))[0]?.isr ?? [];
  }

  async #partitions(topic: string) {
    const { topics } = await this.admin((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return topics[0]?.partitions ?? [];
  }

  /** The first `count` records of a topic. */
  async consume(topic: string, count: number): Promise<KafkaMessage[]> {
    const consumer = this.kafka.consumer({ groupId: `outside-${topic}` });
    const messages: KafkaMessage[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: async ({ message }) => {
            messages.push(message);
            if (messages.length === count) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return messages;
  }
}
