import type { Codec, EventEncoder } from '@millrace/codec';
import type { TopicRelation } from '@millrace/log';
import {
  diffRelations,
  hasUnknownColumns,
  type Relation,
  relationName,
  type SchemaChange,
  sameRelation,
} from '@millrace/model';
import { assert, Fault } from '@millrace/runtime';
import type { ChainFacts } from '../chain/chain-facts.js';
import { partitionOf } from './partitioner.js';
import type { Shape } from './shape.js';
import { topicNameOf } from './topic-names.js';

/** Topic numbers are u16 on the wire. */
const topicNumber_max = 0xffff;

export interface PlannedTopic {
  readonly number: number;
  readonly name: string;
  readonly partitions: number;
}

/**
 * R37: between shapes of which one has columns of unknown identity nothing is known to have stayed. Matching their numbers would
 * drop every column and add it empty; the table is made anew instead, and read again.
 */
const madeAnew: readonly SchemaChange[] = [{ kind: 'create-table' }];

/** What a relation means for the chain. */
export interface ShapeChange {
  readonly topic: PlannedTopic;
  /** The topic has to be made and laid out. */
  readonly isNewTopic: boolean;
  /** No shape of this very table stands in the chain: what it held before it was published has to be read. */
  readonly isNewTable: boolean;
  readonly shape: TopicRelation;
  /** Undefined: the chain knows this very shape. */
  readonly changes: readonly SchemaChange[] | undefined;
}

export interface ShapeBookOptions {
  readonly codec: Codec;
  readonly topicPrefix: string;
  /** Of new topics. */
  readonly partitions: number;
  readonly facts: ChainFacts;
}

/**
 * Which table feeds which topic in which shape, as of the head of the stream: ahead of what is recorded. A table keeps its topic
 * through renames, because what it is is its oid; a table made again under the same name goes on in the same topic.
 */
export class ShapeBook {
  readonly #options: ShapeBookOptions;
  readonly #topics = new Map<number, PlannedTopic>();
  readonly #newest = new Map<number, TopicRelation>();
  /** By relation id. */
  readonly #compiled = new Map<number, Shape>();

  constructor(options: ShapeBookOptions) {
    this.#options = options;
    for (const { number, name, partitions } of options.facts.topics.values())
      this.#topics.set(number, { number, name, partitions });
    for (const shape of options.facts.shapes.values()) this.#newest.set(shape.topic, shape);
  }

  /** The compiled shape of a table whose relation was announced in this epoch. */
  get(relationId: number): Shape | undefined {
    return this.#compiled.get(relationId);
  }

  /** The newest shape of a topic, compiled. */
  ofTopic(topic: number): Shape | undefined {
    const newest = this.#newest.get(topic);
    const compiled = newest && this.#compiled.get(newest.relation.id);
    return compiled?.version === newest?.version ? compiled : undefined;
  }

  /** Every topic that is fed by a table. */
  get topics(): number[] {
    return [...this.#newest.keys()];
  }

  /** Shapes in force, as the chain will hold them. */
  get relations(): Relation[] {
    return [...this.#newest.values()].map(({ relation }) => relation);
  }

  /** The newest shape of a topic, compiled if it is not yet. */
  async ensure(topic: number): Promise<Shape> {
    const compiled = this.ofTopic(topic);
    if (compiled) return compiled;
    const shape = this.#newest.get(topic);
    const planned = this.#topics.get(topic);
    assert(shape !== undefined && planned !== undefined, `topic ${topic} has a shape`);
    return await this.compile({
      topic: planned,
      isNewTopic: false,
      isNewTable: false,
      shape,
      changes: undefined,
    });
  }

  /** The topic fed by a relation, if any. */
  topicOf(relation: Pick<Relation, 'id' | 'schema' | 'name'>): PlannedTopic | undefined {
    const found = this.#find(relation);
    return found && this.#topics.get(found.topic);
  }

  /** Plans what a relation means. Changes nothing but the plan; `compile` follows. `force`: a new version even if nothing changed. */
  plan(relation: Relation, force = false): ShapeChange {
    const before = this.#find(relation);
    const known = before && this.#topics.get(before.topic);
    const topic = known ?? this.#newTopic(relation);
    const isNewTopic = !this.#topics.has(topic.number);
    if (before && known && sameRelation(before.relation, relation) && !force)
      return {
        topic,
        isNewTopic: false,
        isNewTable: false,
        shape: { ...before, relation },
        changes: undefined,
      };
    const shape: TopicRelation = { topic: topic.number, version: (before?.version ?? 0) + 1, relation };
    const anew = before !== undefined && (hasUnknownColumns(before.relation) || hasUnknownColumns(relation));
    this.#topics.set(topic.number, topic);
    this.#newest.set(topic.number, shape);
    if (before && before.relation.id !== relation.id) this.#compiled.delete(before.relation.id);
    return {
      topic,
      isNewTopic,
      isNewTable: before?.relation.id !== relation.id || anew,
      shape,
      changes: anew ? madeAnew : diffRelations(before?.relation, relation),
    };
  }

  /** Compiles the encoder of a planned shape and puts it in force. */
  async compile(change: ShapeChange): Promise<Shape> {
    return this.enforce(change, await this.encoder(change));
  }

  encoder({ topic, shape }: ShapeChange): Promise<EventEncoder> {
    return this.#options.codec.encoder(topic.name, shape.relation);
  }

  /** Puts a planned shape in force whose encoder is compiled already. */
  enforce({ topic, shape }: ShapeChange, encoder: EventEncoder): Shape {
    const name = Buffer.from(topic.name, 'utf8');
    const compiled: Shape = {
      number: topic.number,
      name: topic.name,
      partitions: topic.partitions,
      version: shape.version,
      relation: shape.relation,
      encoder,
      keyed: encoder.keyed,
      keylessPartition: partitionOf(name, 0, name.length, topic.partitions),
      slots: [],
    };
    this.#compiled.set(shape.relation.id, compiled);
    return compiled;
  }

  /** True when the chain knows this very shape as the newest of its table. */
  isNewest(relation: Relation): boolean {
    const before = this.#find(relation);
    return before !== undefined && sameRelation(before.relation, relation);
  }

  #find(relation: Pick<Relation, 'id' | 'schema' | 'name'>): TopicRelation | undefined {
    let sameName: TopicRelation | undefined;
    for (const shape of this.#newest.values()) {
      if (shape.relation.id === relation.id) return shape;
      if (shape.relation.schema === relation.schema && shape.relation.name === relation.name)
        sameName = shape;
    }
    return sameName;
  }

  #newTopic(relation: Relation): PlannedTopic {
    const { topicPrefix, partitions } = this.#options;
    // Laid out, but its shape was not written before that capture died.
    const plain = topicNameOf(topicPrefix, relation, () => false);
    for (const topic of this.#topics.values())
      if (topic.name === plain && !this.#newest.has(topic.number)) return topic;
    const number = Math.max(0, ...this.#topics.keys()) + 1;
    if (number > topicNumber_max)
      throw new Fault('MR-2014', {
        detail: `${relationName(relation)} would be table ${number} of this pipeline; it can hold ${topicNumber_max}`,
        remedy: 'Split the tables over several publications and pipelines.',
      });
    const names = new Set([...this.#topics.values()].map(({ name }) => name));
    return { number, name: topicNameOf(topicPrefix, relation, (name) => names.has(name)), partitions };
  }
}
