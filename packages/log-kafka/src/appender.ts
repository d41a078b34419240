import type { AppendedRange, Appender, PartitionBatch, Published } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import type { Load, Sender } from './sender.js';
import { BatchEncoder, singleRecordBatch } from './wire/batch-encoder.js';
import { BatchMemory } from './wire/batch-memory.js';
import type { CompressionCodec } from './wire/compression.js';

export interface AppenderAccess {
  readonly sender: Sender;
  readonly progressTopic: string;
  readonly codec: () => Promise<CompressionCodec | undefined>;
  /** `max.message.bytes` of a topic. */
  readonly limitOf: (topic: string) => Promise<number>;
  readonly now: () => number;
  /** Throws when the handle was closed. */
  readonly guard: () => void;
}

/** Enough to be worth a request and to compress well; small enough that a reader of many partitions stays bounded. */
const batch_bytes = 512 * 1024;
const keptBatches = 16;

/**
 * Appends under one claim. Kafka has no conditional append: the fence is in the records themselves, and readers void what a newer claim
 * precedes (§3). After an ambiguous outcome it takes nothing more: its epoch is over (R12).
 */
export class KafkaAppender implements Appender {
  readonly #access: AppenderAccess;
  readonly #memory = new BatchMemory(batch_bytes, keptBatches);
  #turn: Promise<unknown> = Promise.resolve();
  readonly #over = new AbortController();
  #isOver = false;

  constructor(access: AppenderAccess) {
    this.#access = access;
  }

  /** A newer claim is made on this handle: what is refused is not repeated any more, and nothing more is taken (R12). */
  retire(): void {
    this.#isOver = true;
    this.#over.abort();
  }

  append(batches: readonly PartitionBatch[]): Promise<readonly AppendedRange[]> {
    return this.#inTurn(() => this.#append(batches));
  }

  publish(
    batches: readonly PartitionBatch[],
    record: (ranges: readonly AppendedRange[]) => Uint8Array,
  ): Promise<Published> {
    return this.#inTurn(async () => {
      const ranges = await this.#append(batches);
      // R11: only now, when every event is acknowledged.
      const load = recordLoad(this.#access, record(ranges));
      const [range] = await this.#access.sender.send([load], this.#over.signal);
      return { offset: (range as AppendedRange).first, ranges };
    });
  }

  async #append(batches: readonly PartitionBatch[]): Promise<readonly AppendedRange[]> {
    const { sender, codec, limitOf, now } = this.#access;
    const loads: Load[] = [];
    for (const { topic, partition, records } of batches) {
      if (records.count === 0) continue;
      const limit_bytes = await limitOf(topic);
      const encoder = new BatchEncoder(records, {
        target_bytes: Math.min(batch_bytes, limit_bytes),
        limit_bytes,
        codec: await codec(),
        memory: this.#memory,
        now,
        topic,
      });
      loads.push({ topic, partition, next: () => encoder.next() });
    }
    return await sender.send(loads, this.#over.signal);
  }

  /** One after the other (R10, R11). */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(
      () => this.#run(work),
      () => this.#run(work),
    );
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#access.guard();
    if (this.#isOver)
      throw new Fault('MR-3013', {
        detail: 'an earlier append of this epoch had an unknown outcome, or a newer claim was made',
      });
    try {
      return await work();
    } catch (error) {
      if (error instanceof Fault && error.code === 'MR-3013') this.#isOver = true;
      throw error;
    }
  }
}

/** One record of the progress topic. */
export function recordLoad(
  { progressTopic, now }: Pick<AppenderAccess, 'progressTopic' | 'now'>,
  bytes: Uint8Array,
): Load {
  let batch: Buffer | undefined = singleRecordBatch(undefined, bytes, now());
  return {
    topic: progressTopic,
    partition: 0,
    next: async () => {
      const next = batch;
      batch = undefined;
      return next && { bytes: next, count: 1 };
    },
  };
}
