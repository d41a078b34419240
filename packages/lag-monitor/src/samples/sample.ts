import { type FollowerReport, FollowerReports, type Log, sameBytes } from '@millrace/log';
import { type Clock, Fault, systemClock } from '@millrace/runtime';
import { ServiceBoard, type ServiceNote } from '../board/service-board.js';
import type { Instant } from '../instant.js';
import { ChainHead, type ChainReading } from './chain-head.js';
import type { LeaderProbe, LeaderReading } from './leader-probe.js';
import { type Measured, Side } from './side.js';

/** Everything measured at one instant. A side that could not be measured is a fault, never a stale or invented value. */
export interface Sample {
  readonly at: Instant;
  readonly leader: Measured<LeaderReading>;
  readonly log: Measured<LogReading>;
}

export interface LogReading {
  readonly chain: ChainReading;
  /** Reports made with this very log, by follower's name. */
  readonly reports: readonly FollowerReport[];
  readonly notes: readonly ServiceNote[];
  readonly storage: LogStorage | undefined;
}

/** Bytes of the log's files, and how many it may take; absent when the log cannot tell. */
export interface LogStorage {
  readonly used_bytes: number;
  readonly limit_bytes?: number;
  /** How long it keeps an event, whoever needs it. */
  readonly keeps_ms?: number;
}

export interface SampleSources {
  readonly leader: LeaderProbe;
  readonly log: Log;
  readonly storage?: () => Promise<LogStorage | undefined>;
  /** Measures how long a side takes. Absent: the system's. */
  readonly clock?: Clock;
}

/** Takes samples. One at a time. */
export class Sampler {
  readonly #sources: SampleSources;
  readonly #head: ChainHead;
  readonly #reports: FollowerReports;
  readonly #board: ServiceBoard;
  readonly #leader: Side<LeaderReading>;
  readonly #log: Side<LogReading>;

  constructor(sources: SampleSources) {
    const { leader, log, clock = systemClock } = sources;
    this.#sources = sources;
    this.#head = new ChainHead(log);
    this.#reports = new FollowerReports(log);
    this.#board = new ServiceBoard(log);
    this.#leader = new Side({
      clock,
      read: () => leader.read(),
      unanswered: (waited_s) =>
        new Fault('MR-2001', { detail: `the leader has not answered for ${waited_s} s` }),
    });
    this.#log = new Side({
      clock,
      read: () => this.#readLog(),
      unanswered: (waited_s) => {
        const reason = log.waiting();
        const detail = `the log has not answered for ${waited_s} s${reason === undefined ? '' : `: ${reason}`}`;
        return new Fault('MR-3008', { detail });
      },
    });
  }

  /**
   * The leader first: what is applied meanwhile then shows as less lag, never as more. The log is read even while the
   * leader is unreachable, and either even while the other never answers. A sample that `signal` ends early is of no use.
   */
  async take(now: () => Instant, signal?: AbortSignal): Promise<Sample> {
    const leader = await this.#leader.measure(signal);
    const log = await this.#log.measure(signal);
    return { at: now(), leader, log };
  }

  async #readLog(): Promise<LogReading> {
    const chain = await this.#head.read();
    const reports = await this.#reports.list();
    return {
      chain,
      reports: reports.filter((report) => sameBytes(report.logId, this.#sources.log.id)),
      notes: await this.#board.read(),
      storage: await this.#sources.storage?.(),
    };
  }
}
