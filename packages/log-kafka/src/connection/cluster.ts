import { Fault } from '@millrace/runtime';
import type { Api } from '../wire/api.js';
import { type ClusterMetadata, metadata, type PartitionMetadata, type TopicMetadata } from '../wire/apis.js';
import { errorName, kafkaErrors } from '../wire/error-codes.js';
import { BrokerLink, type Endpoint, formatEndpoint, type LinkSettings } from './broker-link.js';
import { Trouble } from './trouble.js';

/**
 * What a connection is for. A broker answers the requests of one connection one after the other: an append that waits for replicas, or a
 * read that waits for its first byte, or a deletion that waits for every replica, must not hold up anything else.
 */
export type Purpose = 'ask' | 'write' | 'read' | 'poll' | 'trim';

/** A topic as the brokers described it last. */
export interface KnownTopic {
  readonly name: string;
  readonly id: Uint8Array;
  /** The id in hexadecimal. */
  readonly idText: string;
  readonly partitions: readonly PartitionMetadata[];
}

const ask_ms = 6_000;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/**
 * A broker that has just started answers before it has learnt of its cluster, itself included: then it knows no topic either, and that
 * tells nothing about topics.
 */
function mustKnowBrokers({ brokers }: ClusterMetadata, broker: string): void {
  if (brokers.length === 0) throw new Trouble(`broker ${broker} knows of no brokers yet`);
}

/** The brokers: where they are, who leads what, and connections to them, by purpose. */
export class Cluster {
  readonly #seeds: readonly Endpoint[];
  readonly #settings: LinkSettings;
  readonly #links = new Map<string, BrokerLink>();
  #brokers = new Map<number, Endpoint>();
  readonly #topics = new Map<string, KnownTopic>();
  readonly #asking = new Map<string, Promise<KnownTopic | undefined>>();
  #turn = 0;
  #isClosed = false;

  constructor(seeds: readonly Endpoint[], settings: LinkSettings) {
    this.#seeds = seeds;
    this.#settings = settings;
  }

  get brokers(): ReadonlyMap<number, Endpoint> {
    return this.#brokers;
  }

  /** What was learnt last about a topic; undefined when it was not asked for yet or must be asked for again. */
  known(topic: string): KnownTopic | undefined {
    return this.#topics.get(topic);
  }

  /** The next question about this topic goes to the brokers. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  /** Asks the brokers about one topic; undefined when the broker asked knows none of that name. Questions of the moment share one request. */
  ask(topic: string): Promise<KnownTopic | undefined> {
    const present = this.#asking.get(topic);
    if (present) return present;
    const asking = this.describe([topic])
      .then(({ topics }) => {
        const found = topics[0];
        if (!found || found.error === kafkaErrors.unknownTopicOrPartition) return undefined;
        return this.#learn(found);
      })
      .finally(() => this.#asking.delete(topic));
    this.#asking.set(topic, asking);
    return asking;
  }

  /** Metadata of these topics (all when undefined), from any broker that knows its cluster. Rejects with `Trouble` when none does. */
  async describe(topics: readonly string[] | undefined, operations = false): Promise<ClusterMetadata> {
    const described = await this.any(metadata, { topics, operations }, ask_ms, mustKnowBrokers);
    this.#brokers = new Map(described.brokers.map(({ id, host, port }) => [id, { host, port }]));
    return described;
  }

  /** The next question goes to another broker first. */
  turn(): void {
    this.#turn++;
  }

  /**
   * Sends a request to whichever broker answers: the one that answered last, others that are known, those configured. `judge` throws
   * `Trouble` for an answer that is none.
   */
  async any<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeout_ms = ask_ms,
    judge: (response: Response, broker: string) => void = () => {},
  ): Promise<Response> {
    const troubles: string[] = [];
    for (const endpoint of this.#candidates()) {
      try {
        const response = await this.#link(endpoint, 'ask').call(api, request, timeout_ms);
        judge(response, formatEndpoint(endpoint));
        return response;
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        troubles.push(error.message);
        // One that hangs costs its time-out once, not at every question.
        this.turn();
      }
    }
    throw new Trouble(`no broker answers (${troubles.join('; ')})`);
  }

  /** The link to a partition's leader. Rejects with `Trouble` when it has none, or none that is known. */
  leader(topic: KnownTopic, partition: number, purpose: Purpose): BrokerLink {
    const { leader } = this.partition(topic, partition);
    if (leader < 0) throw new Trouble(`${topic.name}/${partition} has no leader`);
    return this.broker(leader, purpose);
  }

  partition(topic: KnownTopic, partition: number): PartitionMetadata {
    const found = topic.partitions[partition];
    if (!found)
      throw new Fault('MR-3005', {
        detail: `topic ${topic.name} has ${topic.partitions.length} partitions, there is no partition ${partition}`,
      });
    return found;
  }

  broker(id: number, purpose: Purpose): BrokerLink {
    const endpoint = this.#brokers.get(id);
    if (!endpoint) throw new Trouble(`broker ${id} is not reachable`);
    return this.#link(endpoint, purpose);
  }

  close(): void {
    this.#isClosed = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #link(endpoint: Endpoint, purpose: Purpose): BrokerLink {
    if (this.#isClosed) throw new Trouble('this handle of the log was closed');
    const key = `${purpose} ${formatEndpoint(endpoint)}`;
    const present = this.#links.get(key);
    if (present) return present;
    const link = new BrokerLink(endpoint, this.#settings);
    this.#links.set(key, link);
    return link;
  }

  #candidates(): Endpoint[] {
    const found = new Map<string, Endpoint>();
    const brokers = [...this.#brokers.values()];
    const first = brokers.length === 0 ? 0 : this.#turn % brokers.length;
    for (const endpoint of [...brokers.slice(first), ...brokers.slice(0, first), ...this.#seeds])
      found.set(formatEndpoint(endpoint), endpoint);
    return [...found.values()];
  }

  #learn(topic: TopicMetadata): KnownTopic {
    if (topic.error === kafkaErrors.topicAuthorizationFailed)
      throw new Fault('MR-3017', { detail: `the brokers do not let this user see topic ${topic.name}` });
    if (topic.error === kafkaErrors.invalidTopic)
      throw new Fault('MR-3021', { detail: `${topic.name} is no name for a topic` });
    if (topic.error !== kafkaErrors.none && topic.error !== kafkaErrors.leaderNotAvailable)
      throw new Trouble(`topic ${topic.name}: ${errorName(topic.error)}`);
    const partitions = [...topic.partitions].sort((a, b) => a.index - b.index);
    const known = { name: topic.name, id: topic.id, idText: hex(topic.id), partitions };
    this.#topics.set(topic.name, known);
    return known;
  }
}
