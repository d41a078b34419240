import type { LayoutTopic, ProgressRecord, SnapshotState, TopicRelation } from '@millrace/log';
import { withoutChunk, withoutTopic } from '../snapshot/states.js';
import type { LeaderIdentity } from '../source.js';

/** A topic as the chain knows it. */
export interface TopicFacts {
  readonly number: number;
  readonly name: string;
  readonly partitions: number;
  /** Last offset per partition that a counting record covers, or that stood there when the topic joined; −1 for none. */
  readonly covered: bigint[];
}

/**
 * What the counting records say, folded: everything a capture needs to go on. Built from the log at READ and REREAD, then kept up
 * to date with each record of its own.
 */
export class ChainFacts {
  /** Undefined until an `open` counts: the log is empty. */
  leader: LeaderIdentity | undefined;
  readonly topics = new Map<number, TopicFacts>();
  /** Newest relation version per topic number. */
  readonly shapes = new Map<number, TopicRelation>();
  snapshots: readonly SnapshotState[] = [];
  /** Topics marked for repair that no snapshot lists since: a capture died between the two records. The next `open` lists them. */
  readonly unread = new Set<number>();

  get empty(): boolean {
    return this.leader === undefined;
  }

  /** Folds one counting record. */
  apply(record: ProgressRecord): void {
    switch (record.kind) {
      case 'claim':
      case 'intent':
        return;
      case 'open':
        this.leader = {
          systemId: record.systemId,
          timeline: record.timeline,
          ancestry: record.ancestry,
        };
        // An `open` says how things are: also that a topic was lost, and begins again at a lower offset.
        for (const topic of record.layout) this.beginAnew(topic);
        for (const shape of record.relations) this.#shape(shape);
        this.snapshots = record.snapshots;
        for (const { tables } of record.snapshots) for (const { topic } of tables) this.unread.delete(topic);
        return;
      case 'layout':
        for (const topic of record.topics) this.#layout(topic);
        return;
      case 'schema':
        this.#shape(record.shape);
        // R38: what a running snapshot read of the table before does not complete it; a new one does.
        if (!record.repair) return;
        this.snapshots = withoutTopic(this.snapshots, record.shape.topic);
        this.unread.add(record.shape.topic);
        return;
      case 'progress':
        for (const range of record.ranges) {
          const topic = this.topics.get(range.topic);
          if (topic && range.last > (topic.covered[range.partition] ?? -1n))
            topic.covered[range.partition] = range.last;
        }
        if (record.chunk) this.snapshots = withoutChunk(this.snapshots, record.chunk);
    }
  }

  topicNamed(name: string): TopicFacts | undefined {
    for (const topic of this.topics.values()) if (topic.name === name) return topic;
    return undefined;
  }

  /** Layout as a record carries it. */
  layout(): LayoutTopic[] {
    return [...this.topics.values()].map(({ number, name, partitions, covered }) => ({
      number,
      name,
      partitions,
      endOffsets: covered.map((last) => last + 1n),
    }));
  }

  /** Counts a topic's partitions as covered up to `endOffsets`, whatever was covered before. */
  beginAnew({ number, name, partitions, endOffsets }: LayoutTopic): void {
    this.topics.set(number, { number, name, partitions, covered: endOffsets.map((end) => end - 1n) });
  }

  #layout({ number, name, partitions, endOffsets }: LayoutTopic): void {
    const before = this.topics.get(number);
    const covered = endOffsets.map((end, i) => {
      const known = before?.covered[i] ?? -1n;
      return end - 1n > known ? end - 1n : known;
    });
    this.topics.set(number, { number, name, partitions, covered });
  }

  #shape(shape: TopicRelation): void {
    const known = this.shapes.get(shape.topic);
    if (!known || known.version <= shape.version) this.shapes.set(shape.topic, shape);
  }
}
