import { type Log, MemoryLogServer } from '@millrace/log';
import type { Chance } from './chance.js';
import { VirtualClock } from './virtual-clock.js';
import type { LogParts, ProgressView, Stage, WorldLog } from './world-log.js';

/** Virtual time and the in-memory log: thousands of runs a minute, and the same seed gives the same run. */
export function memoryStage(): Stage {
  const clock = new VirtualClock();
  return {
    clock,
    log: ({ weather, id, conditional }: LogParts) =>
      new MemoryWorldLog(new MemoryLogServer({ clock, id, faults: weather.log(), conditional })),
  };
}

/** The reference log as a world's log. */
class MemoryWorldLog implements WorldLog {
  readonly prefix = 'shop';
  readonly refresh = undefined;
  readonly #server: MemoryLogServer;

  constructor(server: MemoryLogServer) {
    this.#server = server;
  }

  get id(): Uint8Array {
    return this.#server.id;
  }

  get progress(): ProgressView {
    return this.#server.progress;
  }

  open(): Log {
    return this.#server.open();
  }

  trimEvents(): void {
    for (const partitions of this.#server.topics.values())
      for (const partition of partitions) partition.trim(partition.high);
  }

  recreateTopic(chance: Chance): void {
    const names = [...this.#server.topics.keys()];
    if (names.length > 0) this.#server.recreateTopic(chance.pick(names));
  }

  /** Every third event of the log is gone, as after compaction, or when a lagging replica became the leader. */
  readonly loseEvents = (): void => {
    for (const [name, partitions] of this.#server.topics)
      for (let partition = 0; partition < partitions.length; partition++)
        this.#server.tamper(name, partition, (records) => records.filter((_, i) => i % 3 !== 2));
  };

  readonly takeCopy = (): (() => void) => {
    const image = this.#server.image();
    return () => this.#server.restore(image);
  };
}
