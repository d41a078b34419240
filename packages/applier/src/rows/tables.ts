import type { Codec } from '@millrace/codec';
import type { MirroredTable } from '@millrace/follower';
import type { BatchRecord, TopicRelation } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import type { KeptShape } from '../session/notes.js';
import type { Topics } from '../session/topics.js';
import { TableFeed } from './table-feed.js';

/** The follower's tables as one session knows them, each with its feed. */
export class Tables {
  readonly #codec: Codec;
  readonly #topics: Topics;
  readonly #byTopic = new Map<number, MirroredTable>();
  readonly #feeds = new Map<number, TableFeed>();
  /** True while rows may be missing without that being a fault (R30). */
  readonly #building: () => boolean;

  constructor(
    codec: Codec,
    topics: Topics,
    mirrored: readonly MirroredTable[],
    isFollowerBuilding: () => boolean,
  ) {
    this.#codec = codec;
    this.#topics = topics;
    this.#building = isFollowerBuilding;
    for (const table of mirrored) {
      const number = topics.numberOf(table.topic);
      if (number !== undefined) this.#byTopic.set(number, table);
    }
  }

  get(topic: number): MirroredTable | undefined {
    return this.#byTopic.get(topic);
  }

  all(): Iterable<readonly [number, MirroredTable]> {
    return this.#byTopic;
  }

  /** The table that mirrors the leader's relation `id` under another topic: it was renamed since. */
  renamed(id: number, topic: number): readonly [number, MirroredTable] | undefined {
    for (const entry of this.#byTopic) if (entry[0] !== topic && entry[1].relation.id === id) return entry;
    return undefined;
  }

  set(topic: number, table: MirroredTable): void {
    this.#byTopic.set(topic, table);
    this.#feeds.delete(topic);
  }

  delete(topic: number): void {
    this.#byTopic.delete(topic);
    this.#feeds.delete(topic);
  }

  /** The feed of a topic whose events are about to be read. */
  feed(topic: number): TableFeed {
    const feed = this.#feeds.get(topic);
    if (!feed) throw this.#unknown(topic);
    return feed;
  }

  /** Compiles what the record's events need, so that reading them is synchronous. `paired`: key changes come with both halves. */
  async prepare(record: BatchRecord, shapes: readonly KeptShape[], paired: boolean): Promise<void> {
    for (const { topic } of record.ranges) {
      const table = this.#byTopic.get(topic);
      if (!table) throw this.#unknown(topic);
      let feed = this.#feeds.get(topic);
      if (!feed) {
        feed = new TableFeed(topic, table, () => this.#building() || table.state === 'building');
        this.#feeds.set(topic, feed);
      }
      feed.isPaired = paired;
      await this.#accept(feed, { topic, version: table.version, relation: table.relation }, shapes);
    }
  }

  async #accept(feed: TableFeed, own: TopicRelation, shapes: readonly KeptShape[]): Promise<void> {
    const name = this.#topics.nameOf(own.topic);
    const others = shapes.filter(({ topic }) => topic === own.topic);
    // A kept shape of the table's own version says what its events look like while the table ignores it (policy `ignore`).
    const own_or_kept = others.some(({ version }) => version === own.version) ? others : [own, ...others];
    for (const { version, relation } of own_or_kept) {
      if (feed.accepts(version)) continue;
      feed.accept(version, relation, await this.#codec.decoder(name, relation));
    }
  }

  #unknown(topic: number): Fault {
    return new Fault('MR-5004', {
      detail: `events of topic ${topic} (${this.#topics.find(topic) ?? 'unnamed'}) come before any schema record of it`,
      context: { topic },
    });
  }
}
