import type { Log, TopicInfo } from '@millrace/log';
import { openKafkaLog } from '@millrace/log-kafka';
import { silentLogger, systemClock } from '@millrace/runtime';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { LogParts, Stage, WorldLog } from '../world-log.js';
import { KafkaWorldLog } from './kafka-world-log.js';
import { RealClock } from './real-clock.js';

/** Brokers that were asked to forget a topic take a moment. */
const recreate_ms = { between: 100, attempts: 50 } as const;

/** A few topics of shared brokers, and all handles on them that one world has. */
export class KafkaGround implements Stage {
  readonly clock = new RealClock();
  /** Timers of the machine have whole milliseconds: enough of them that requests overtake each other. */
  readonly appendLatency_ms = 6;
  readonly prefix: string;
  /** For judges and the nemesis. */
  readonly watcher: Log;
  /** Sends what is late. */
  readonly post: Log;
  readonly #brokers: readonly string[];
  readonly #open = new Set<Log>();

  private constructor(brokers: readonly string[], prefix: string, watcher: Log, post: Log) {
    this.#brokers = brokers;
    this.prefix = prefix;
    this.watcher = watcher;
    this.post = post;
  }

  static async prepare(brokers: readonly string[], prefix: string): Promise<KafkaGround> {
    const watcher = await handle(brokers, prefix);
    return new KafkaGround(brokers, prefix, watcher, await handle(brokers, prefix));
  }

  log({ weather }: LogParts): WorldLog {
    return new KafkaWorldLog(this, weather);
  }

  /** A process's own handle, with connections of its own. */
  async open(): Promise<Log> {
    const log = await handle(this.#brokers, this.prefix);
    this.#open.add(log);
    return log;
  }

  /** By another team's client, as an administrator's mistake. */
  async recreate({ name, partitions }: TopicInfo): Promise<void> {
    await this.#administer((admin) => admin.deleteTopics({ topics: [name] }));
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.watcher.createTopic(name, partitions);
      } catch (error) {
        if (attempt === recreate_ms.attempts) throw error;
        await systemClock.sleep(recreate_ms.between);
      }
    }
  }

  /** Ends this world's time and connections, and takes its topics away. */
  async clear(): Promise<void> {
    this.clock.close();
    for (const log of [...this.#open, this.post, this.watcher]) await log.close();
    await this.#administer(async (admin) => {
      const topics = (await admin.listTopics()).filter(
        (name) => name.startsWith(`${this.prefix}.`) || name.startsWith(`__millrace.${this.prefix}.`),
      );
      if (topics.length > 0) await admin.deleteTopics({ topics });
    });
  }

  async #administer(work: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = new Kafka({ brokers: [...this.#brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      await work(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

const handle = (brokers: readonly string[], prefix: string): Promise<Log> =>
  openKafkaLog({ brokers, prefix, clock: systemClock, logger: silentLogger });
