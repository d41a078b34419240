import { setTimeout as sleep } from 'node:timers/promises';
import { type Admin, Kafka, logLevel } from 'kafkajs';

/** One per table, as both products make them if nobody says more. */
const partitions = 1;
const poll_ms = 20;
/** The brokers' own time, as Millrace makes its topics; Debezium does not care. */
const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];

/** End offsets of a lane's topics: how many records they took. */
export interface Held {
  readonly all: number;
  /** In the topic that takes the backlog's last row. */
  readonly last: number;
}

/** The topics of one lane. They are made before it works, the same for everybody, and how much they hold is seen here. */
export class EventTopics {
  /** In the order of the tables. */
  readonly names: readonly string[];
  readonly #admin: Admin;
  readonly #last: string;

  private constructor(admin: Admin, names: readonly string[], last: string) {
    this.#admin = admin;
    this.names = names;
    this.#last = last;
  }

  /**
   * Makes the topics `<prefix>.<schema>.<table>`, on the one connection that all later questions use. `tables` are
   * qualified; the backlog's last row goes into `lastTable`.
   */
  static async create(
    brokers: readonly string[],
    prefix: string,
    tables: readonly string[],
    lastTable: string,
  ): Promise<EventTopics> {
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR }).admin();
    await admin.connect();
    try {
      const nameOf = (table: string): string => `${prefix}.${table}`;
      const names = tables.map(nameOf);
      const shape = { numPartitions: partitions, replicationFactor: 1, configEntries };
      await admin.createTopics({ topics: names.map((topic) => ({ topic, ...shape })) });
      return new EventTopics(admin, names, nameOf(lastTable));
    } catch (error) {
      await admin.disconnect();
      throw error;
    }
  }

  async held(): Promise<Held> {
    let all = 0;
    for (const name of this.names) all += await this.#end(name);
    return { all, last: await this.#end(this.#last) };
  }

  /**
   * Resolves when the topics hold `goal.all` records or more. The last row's topic alone is asked until it holds `goal.last`:
   * one question per look, whatever the number of tables. `failed` is asked between looks, and throws when waiting is in vain.
   */
  async reach(goal: Held, failed: () => void, timeout_ms: number): Promise<void> {
    const deadline = performance.now() + timeout_ms;
    while ((await this.#end(this.#last)) < goal.last || (await this.held()).all < goal.all) {
      failed();
      if (performance.now() > deadline) throw new Error(await this.#shortOf(goal, timeout_ms));
      await sleep(poll_ms);
    }
  }

  /** Deletes the topics and ends the connection. */
  async remove(): Promise<void> {
    try {
      await this.#admin.deleteTopics({ topics: [...this.names] });
    } finally {
      await this.#admin.disconnect();
    }
  }

  async #end(topic: string): Promise<number> {
    const offsets = await this.#admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  }

  async #shortOf(goal: Held, timeout_ms: number): Promise<string> {
    const { all, last } = await this.held();
    return `${all} of ${goal.all} records (${last} of ${goal.last} in ${this.#last}) after ${timeout_ms} ms`;
  }
}
