import type { Log, StoredRecord } from '@millrace/log';
import type { Chance } from '../chance.js';
import type { Weather } from '../weather.js';
import type { WorldLog } from '../world-log.js';
import type { KafkaGround } from './kafka-ground.js';
import { LatePost } from './late-post.js';
import { weatheredLog } from './weathered-log.js';

const chunk_bytes = 1024 * 1024;

/** The log of one world in real topics, under the weather; its nemesis and its judges have handles that no weather reaches. */
export class KafkaWorldLog implements WorldLog {
  readonly loseEvents = undefined;
  readonly takeCopy = undefined;
  readonly progress = { low: 0n, high: 0n, records: [] as StoredRecord[] };
  readonly #ground: KafkaGround;
  readonly #weather: Weather;
  readonly #post: LatePost;
  #reading: Promise<void> = Promise.resolve();

  constructor(ground: KafkaGround, weather: Weather) {
    this.#ground = ground;
    this.#weather = weather;
    this.#post = new LatePost(ground.post, ground.clock);
  }

  get id(): Uint8Array {
    return this.#ground.watcher.id;
  }

  get prefix(): string {
    return this.#ground.prefix;
  }

  async open(): Promise<Log> {
    const log = await this.#ground.open();
    const weather = { clock: this.#ground.clock, faults: this.#weather.log(), post: this.#post };
    return weatheredLog(this.#readBeforeTrim(log), weather);
  }

  readonly refresh = (): Promise<void> => {
    this.#reading = this.#reading.then(() => this.#readToEnd());
    return this.#reading;
  };

  async trimEvents(): Promise<void> {
    const { watcher } = this.#ground;
    const eventsBefore: { topic: string; partition: number; offset: bigint }[] = [];
    for (const { name, partitions } of await watcher.topics())
      for (let partition = 0; partition < partitions; partition++) {
        const { high } = await watcher.watermarks(name, partition);
        if (high > 0n) eventsBefore.push({ topic: name, partition, offset: high });
      }
    await watcher.trim({ progressBefore: 0n, eventsBefore });
  }

  async recreateTopic(chance: Chance): Promise<void> {
    const topics = await this.#ground.watcher.topics();
    if (topics.length > 0) await this.#ground.recreate(chance.pick(topics));
  }

  /** Nobody judges records that went unseen. */
  #readBeforeTrim(log: Log): Log {
    const trim: Log['trim'] = async (request) => {
      await this.refresh();
      await log.trim(request);
    };
    return new Proxy(log, {
      get: (target, property) => {
        if (property === 'trim') return trim;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  async #readToEnd(): Promise<void> {
    const { progress } = this.#ground.watcher;
    const { high } = await progress.watermarks();
    let from = this.progress.high;
    while (from < high) {
      const { records, next } = await progress.read(from, chunk_bytes);
      this.progress.records.push(...records);
      if (next <= from) break;
      from = next;
    }
    this.progress.high = from;
  }
}
