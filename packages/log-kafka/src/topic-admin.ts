import { Fault, type Logger } from '@millrace/runtime';
import type { KnownTopic } from './connection/cluster.js';
import { Trouble } from './connection/trouble.js';
import type { KafkaTopicOptions } from './options.js';
import { type PersistSurroundings, persist } from './persist.js';
import { type TopicKind, topicFindings, topicPlan } from './topic-settings.js';
import { ask_deadline_ms, type Topics } from './topics.js';
import { configResources, createTopics, describeConfigs } from './wire/admin-apis.js';
import { metadata } from './wire/apis.js';
import { errorName, kafkaErrors } from './wire/error-codes.js';

const create_ms = 8_000;
/** On top of the controller's time. */
const answer_ms = 4_000;
/** What brokers take when the topic does not say, and when they do not tell. */
const maxMessage_bytes_ofBrokers = 1_048_588;
const settingsKeys = [
  'cleanup.policy',
  'compression.type',
  'max.message.bytes',
  'message.timestamp.type',
  'min.insync.replicas',
  'retention.bytes',
  'retention.ms',
  'unclean.leader.election.enable',
];
/** A broker that was not told of a new topic by then is down, or will be asked again anyway. */
const spread_ms = 5_000;

/** Makes topics, and judges those that exist: never changes one. */
export class TopicAdmin {
  readonly #topics: Topics;
  readonly #surroundings: PersistSurroundings;
  readonly #options: KafkaTopicOptions;
  readonly #logger: Logger;
  readonly #limits = new Map<string, Promise<number>>();

  constructor(topics: Topics, surroundings: PersistSurroundings, options: KafkaTopicOptions, logger: Logger) {
    this.#topics = topics;
    this.#surroundings = surroundings;
    this.#options = options;
    this.#logger = logger;
  }

  /** The topic exists, with as many partitions, fit for its purpose. MR-3005 for another count, MR-3017, MR-3021. */
  async ensure(
    kind: TopicKind,
    name: string,
    partitions: number,
    deadline_ms = ask_deadline_ms,
  ): Promise<KnownTopic> {
    return await persist(this.#surroundings, { doing: `making topic ${name}`, deadline_ms }, async () => {
      const present = this.#topics.cluster.known(name) ?? (await this.#topics.cluster.ask(name));
      if (present) {
        await this.#mustFit(kind, present, partitions);
        return await this.#topics.get(name);
      }
      await this.#create(kind, name, partitions);
      await this.#known(name);
      const made = await this.#topics.get(name);
      if (made.partitions.length !== partitions) throw otherCount(made, partitions);
      return made;
    });
  }

  /** Settings of a topic; undefined where this user may not see them. */
  async settings(name: string): Promise<ReadonlyMap<string, string> | undefined> {
    const { error, values, message } = await this.#topics.cluster.any(describeConfigs, {
      resource: configResources.topic,
      name,
      keys: settingsKeys,
    });
    if (error === kafkaErrors.topicAuthorizationFailed || error === kafkaErrors.clusterAuthorizationFailed)
      return undefined;
    if (error !== kafkaErrors.none) throw new Trouble(`settings of ${name}: ${message ?? errorName(error)}`);
    return values;
  }

  /** `max.message.bytes`, asked for once. */
  limitOf(name: string): Promise<number> {
    const present = this.#limits.get(name);
    if (present) return present;
    const asking = persist(
      this.#surroundings,
      { doing: `asking for the settings of ${name}`, deadline_ms: ask_deadline_ms },
      async () => {
        const settings = await this.settings(name);
        return Number(settings?.get('max.message.bytes') ?? maxMessage_bytes_ofBrokers);
      },
    );
    this.#limits.set(name, asking);
    asking.catch(() => this.#limits.delete(name));
    return asking;
  }

  async #mustFit(kind: TopicKind, topic: KnownTopic, partitions: number): Promise<void> {
    if (topic.partitions.length !== partitions) throw otherCount(topic, partitions);
    const configs = await this.settings(topic.name);
    if (!configs) return;
    const replication = topic.partitions[0]?.replicas.length ?? 1;
    for (const { severity, finding, fix } of topicFindings(
      kind,
      topic.name,
      { configs, replication },
      this.#options,
    )) {
      if (severity === 'error') throw new Fault('MR-3021', { detail: finding, remedy: `Run: ${fix}` });
      this.#logger.warn({ topic: topic.name, fix }, finding);
    }
  }

  async #create(kind: TopicKind, name: string, partitions: number): Promise<void> {
    const { cluster } = this.#topics;
    const plan = topicPlan(kind, partitions, cluster.brokers.size, this.#options);
    const { error, message } = await cluster.any(
      createTopics,
      { name, ...plan, timeout_ms: create_ms },
      create_ms + answer_ms,
    );
    const why = message ?? errorName(error);
    switch (error) {
      case kafkaErrors.none:
        this.#logger.info(
          { topic: name, partitions: plan.partitions, replication: plan.replication },
          'made a topic',
        );
        return;
      case kafkaErrors.topicAlreadyExists:
        // Made by somebody else a moment ago: it is judged as any other once a broker tells of it.
        throw new Trouble(`${name} was made meanwhile`);
      case kafkaErrors.topicAuthorizationFailed:
      case kafkaErrors.clusterAuthorizationFailed:
        throw new Fault('MR-3017', {
          detail: `the brokers do not let this user create topic ${name}: ${why}`,
          remedy: `Grant CREATE on the cluster or on topics with this prefix, or create the topic with ${plan.partitions} partitions.`,
        });
      case kafkaErrors.invalidPartitions:
      case kafkaErrors.invalidConfig:
      case kafkaErrors.policyViolation:
      case kafkaErrors.invalidTopic:
        throw new Fault('MR-3021', { detail: `topic ${name} cannot be made: ${why}` });
      default:
        throw new Trouble(why);
    }
  }

  /** Until every broker that answers knows the new topic and its leaders: whichever is asked next must not say that there is none. */
  async #known(name: string): Promise<void> {
    const { cluster } = this.#topics;
    const { clock, closing } = this.#surroundings;
    const started_ms = clock.monotonic();
    for (const id of cluster.brokers.keys()) {
      while (!closing.aborted && clock.monotonic() - started_ms < spread_ms) {
        if (await this.#isKnownTo(id, name)) break;
        await clock.sleep(lookAgain_ms, closing);
      }
    }
    cluster.forget(name);
  }

  async #isKnownTo(broker: number, name: string): Promise<boolean> {
    try {
      const link = this.#topics.cluster.broker(broker, 'ask');
      const { topics } = await link.call(metadata, { topics: [name], operations: false }, create_ms);
      const found = topics[0];
      return found?.error === kafkaErrors.none && found.partitions.every(({ leader }) => leader >= 0);
    } catch (error) {
      // A broker that is away will learn of it when it comes back.
      if (error instanceof Trouble) return true;
      throw error;
    }
  }
}

const lookAgain_ms = 20;

const otherCount = (topic: KnownTopic, wanted: number): Fault =>
  new Fault('MR-3005', {
    detail: `topic ${topic.name} has ${topic.partitions.length} partitions, not ${wanted}`,
    context: { topic: topic.name },
  });
