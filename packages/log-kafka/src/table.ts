import type { LogTable } from '@millrace/log';
import { isFault } from '@millrace/runtime';
import type { KnownTopic } from './connection/cluster.js';
import { Trouble } from './connection/trouble.js';
import { fetchChunk } from './fetching.js';
import { readWatermarks } from './offsets.js';
import { type PersistSurroundings, persist } from './persist.js';
import type { Load, Sender } from './sender.js';
import { ask_deadline_ms, type Topics } from './topics.js';
import { BatchCursor } from './wire/batch-cursor.js';
import { singleRecordBatch } from './wire/batch-encoder.js';

export interface TableAccess {
  readonly topics: Topics;
  readonly sender: Sender;
  readonly surroundings: PersistSurroundings;
  readonly now: () => number;
  readonly guard: () => void;
  /** Sees to it that the table's topic exists; false when it does not and this handle creates nothing. */
  readonly ensure: () => Promise<boolean>;
}

const fetch_bytes = 1024 * 1024;

/**
 * A small table in a compacted topic of one partition: the last record of a key is its value, a null its removal. A handle keeps what it
 * read and catches up to the partition's end before each answer, so that it sees everything acknowledged before.
 *
 * A put whose answer was lost is repeated, and the lost one may land later still: then an older value of the same writer comes back. So
 * a table is for values that each writer only moves forward, and that are harmless when they are old (§10: a late anchor is only older).
 */
export class KafkaTable implements LogTable {
  readonly #access: TableAccess;
  readonly #topic: string;
  #rows = new Map<string, Uint8Array>();
  #next: bigint | undefined;
  /** Of the topic that was read: made anew, it has other rows under the same offsets. */
  #topicId = '';
  #catchingUp: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(access: TableAccess, topic: string) {
    this.#access = access;
    this.#topic = topic;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    await this.#caughtUp();
    return this.#rows.get(key);
  }

  async entries(): Promise<readonly (readonly [string, Uint8Array])[]> {
    await this.#caughtUp();
    return [...this.#rows];
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#write(key, value);
  }

  async delete(key: string): Promise<void> {
    await this.#write(key, undefined);
  }

  /** One after the other: a partition takes one request at a time (R10). */
  async #write(key: string, value: Uint8Array | undefined): Promise<void> {
    this.#access.guard();
    const bytes = singleRecordBatch(Buffer.from(key, 'utf8'), value, this.#access.now());
    const turn = this.#turn.then(() => this.#send(bytes));
    this.#turn = turn.catch(() => {});
    await turn;
  }

  async #send(bytes: Buffer): Promise<void> {
    const { sender, surroundings, ensure } = this.#access;
    await persist(
      surroundings,
      { doing: `writing to ${this.#topic}`, deadline_ms: ask_deadline_ms },
      async () => {
        await ensure();
        try {
          await sender.send([oneBatch(this.#topic, bytes)]);
        } catch (error) {
          if (!isFault(error, 'MR-3013')) throw error;
          throw new Trouble(error.detail, { cause: error });
        }
      },
    );
  }

  /** Up to what is the end now. A catch-up that began before this call may have asked too early: the next one counts. */
  async #caughtUp(): Promise<void> {
    this.#access.guard();
    const before = this.#catchingUp;
    if (before) await before.catch(() => {});
    this.#access.guard();
    this.#catchingUp ??= this.#catchUp().finally(() => {
      this.#catchingUp = undefined;
    });
    await this.#catchingUp;
  }

  async #catchUp(): Promise<void> {
    const { topics, surroundings, ensure } = this.#access;
    await persist(
      surroundings,
      { doing: `reading ${this.#topic}`, deadline_ms: ask_deadline_ms },
      async () => {
        if (!(await ensure())) return;
        const topic = await topics.get(this.#topic);
        const { low, high } = await readWatermarks(topics, topic, 0);
        if (this.#next === undefined || this.#next < low || this.#topicId !== topic.idText) {
          this.#topicId = topic.idText;
          this.#rows = new Map();
          this.#next = low;
        }
        while (this.#next < high) await this.#readOn(topic, this.#next);
      },
    );
  }

  async #readOn(topic: KnownTopic, from: bigint): Promise<void> {
    const { topics } = this.#access;
    const options = { max_bytes: fetch_bytes, wait_ms: 0, purpose: 'read' } as const;
    const chunk = await fetchChunk(topics, topic, 0, from, options);
    if (chunk.end === from) throw new Trouble(`${this.#topic} gave nothing at offset ${from}`);
    const cursor = new BatchCursor(chunk.records, this.#topic);
    while (await cursor.openBatch()) {
      while (cursor.next()) if (cursor.offset >= from) this.#fold(cursor);
    }
    this.#next = chunk.end;
  }

  #fold(cursor: BatchCursor): void {
    const { bytes, keyStart, keyLength, valueStart, valueLength, headerLength } = cursor;
    if (headerLength < 0 || keyLength < 0) return;
    const key = bytes.toString('utf8', keyStart, keyStart + keyLength);
    if (valueLength < 0) this.#rows.delete(key);
    else this.#rows.set(key, new Uint8Array(bytes.subarray(valueStart, valueStart + valueLength)));
  }
}

function oneBatch(topic: string, bytes: Buffer): Load {
  let left: Buffer | undefined = bytes;
  return {
    topic,
    partition: 0,
    next: async () => {
      const next = left;
      left = undefined;
      return next && { bytes: next, count: 1 };
    },
  };
}
