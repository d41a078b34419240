import { Fault } from '@millrace/runtime';
import type { Cluster, KnownTopic } from './connection/cluster.js';
import { Trouble } from './connection/trouble.js';
import { type PersistSurroundings, persist } from './persist.js';

/** A broker that knows no topic of a name may only be late: another one is asked, so often. */
const unknownAnswers = 8;
/** Questions other than appends and waits give up then: their callers have policies of their own. */
export const ask_deadline_ms = 15_000;

/**
 * Topics by name, and what this handle knows of their identity: a topic that was deleted and made again under its name has another id,
 * and nothing may be written to it as if it were the old one (R10, MR-3005).
 */
export class Topics {
  readonly #cluster: Cluster;
  readonly #surroundings: PersistSurroundings;
  readonly #ids = new Map<string, string>();
  /** Ids of the topics as this handle last wrote to them. */
  readonly #written = new Map<string, string>();
  /** First offset never yet acknowledged to, or seen by, this handle. */
  readonly #ends = new Map<string, bigint>();
  #progress = '';

  constructor(cluster: Cluster, surroundings: PersistSurroundings) {
    this.#cluster = cluster;
    this.#surroundings = surroundings;
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  /** Names the topic whose id is the log's own: made anew, it is another log (MR-3006). */
  isProgress(name: string): void {
    this.#progress = name;
  }

  /**
   * The topic to write to, from memory or from the brokers: once MR-3005 when it is another than it was. Whoever writes on after that has been
   * told, and knows where the new one begins.
   */
  async getToWrite(name: string): Promise<KnownTopic> {
    const topic = await this.get(name);
    const before = this.#written.get(name);
    this.#written.set(name, topic.idText);
    if (before !== undefined && before !== topic.idText)
      throw new Fault('MR-3005', {
        detail: `topic ${name} was deleted and made again (its id was ${before}, it is ${topic.idText})`,
        context: { topic: name },
      });
    return topic;
  }

  /**
   * The topic, from memory or from the brokers. `Trouble` while they cannot say; MR-3005 when it is gone or never was. Reading needs no more:
   * of a topic that was made anew, a record's events are missing or are not those that it counts (R18).
   */
  async get(name: string): Promise<KnownTopic> {
    const known = this.#cluster.known(name);
    if (known) return known;
    for (let answers = 1; ; answers++) {
      const found = await this.#cluster.ask(name);
      if (found) return this.#checked(found);
      if (answers >= unknownAnswers) throw this.#missing(name);
      this.#cluster.turn();
      await this.#surroundings.clock.sleep(unknownPause_ms * answers, this.#surroundings.closing);
    }
  }

  /** As `get`, outside of an attempt of its own: waits, visibly, for brokers that are away. */
  async find(name: string): Promise<KnownTopic> {
    return await persist(
      this.#surroundings,
      { doing: `looking for topic ${name}`, deadline_ms: ask_deadline_ms },
      () => this.get(name),
    );
  }

  /** What was learnt is out of date: the leader moved, or the topic changed. */
  stale(name: string): void {
    this.#cluster.forget(name);
  }

  /** An offset was acknowledged or read: the partition's end is never before `end` again, or the log went back. */
  reached(topic: KnownTopic, partition: number, end: bigint): void {
    const key = `${topic.idText}/${partition}`;
    const before = this.#ends.get(key);
    if (before === undefined || end > before) this.#ends.set(key, end);
  }

  endReached(topic: KnownTopic, partition: number): bigint {
    return this.#ends.get(`${topic.idText}/${partition}`) ?? 0n;
  }

  /** The progress topic's id is the log's own. */
  #checked(found: KnownTopic): KnownTopic {
    const { name, idText } = found;
    const before = this.#ids.get(name);
    this.#ids.set(name, before !== undefined && name === this.#progress ? before : idText);
    if (name !== this.#progress || before === undefined || before === idText) return found;
    this.#cluster.forget(name);
    throw new Fault('MR-3006', {
      detail: `the progress topic ${name} was deleted and made again (its id was ${before}, it is ${idText})`,
    });
  }

  #missing(name: string): Fault {
    const isKnown = this.#ids.has(name);
    if (name === this.#progress)
      return new Fault('MR-3006', { detail: `the progress topic ${name} was deleted` });
    return new Fault('MR-3005', {
      detail: isKnown ? `topic ${name} was deleted` : `there is no topic ${name} in this log`,
      context: { topic: name },
    });
  }
}

const unknownPause_ms = 40;

/** What a broker's answer about a topic's leader means: it passes, once the present leader is known. */
export const leaderTrouble = (topic: string, partition: number, what: string): Trouble =>
  new Trouble(`${topic}/${partition}: ${what}`);
