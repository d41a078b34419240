import type { Log, StoredRecord } from '@millrace/log';
import type { Chance } from './chance.js';
import type { Weather } from './weather.js';
import type { WorldClock } from './world-clock.js';

/** Where a world takes place: its time, and what its log stands in. */
export interface Stage {
  readonly clock: WorldClock;
  /** See `WeatherOptions`. */
  readonly appendLatency_ms?: number;
  log(parts: LogParts): WorldLog;
}

export interface LogParts {
  readonly weather: Weather;
  /** 16 bytes for a log that is told its identity. */
  readonly id: Uint8Array;
  /** The log checks fences in its writes, if it can. */
  readonly conditional: boolean;
}

/** Records of progress; `low` is the first offset kept, `high` the next one. */
export interface ProgressView {
  readonly low: bigint;
  readonly high: bigint;
  readonly records: readonly StoredRecord[];
}

/** The log of one world, as its processes, its nemesis and its judges reach it. */
export interface WorldLog {
  readonly id: Uint8Array;
  /** Of the pipeline's topics. */
  readonly prefix: string;
  /** The progress partition behind everybody's back, as far as it has been read. */
  readonly progress: ProgressView;
  /** Reads `progress` to its present end. Undefined: it is always there. */
  readonly refresh: (() => Promise<void>) | undefined;
  /** A process's own handle, under the weather. */
  open(): Log | Promise<Log>;
  /** All events written so far go. */
  trimEvents(): void | Promise<void>;
  /** Some event topic is deleted and made again. */
  recreateTopic(chance: Chance): void | Promise<void>;
  /** Some events go from the middle. Undefined: nothing does that to this log. */
  readonly loseEvents: (() => void) | undefined;
  /** A copy of everything; calling the result puts it back. Undefined: nothing does that to this log. */
  readonly takeCopy: (() => () => void) | undefined;
}
