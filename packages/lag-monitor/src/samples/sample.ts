import { type FollowerReport, FollowerReports, type Log, sameBytes } from '@millrace/log';
import { type Fault, toFault } from '@millrace/runtime';
import { ServiceBoard, type ServiceNote } from '../board/service-board.js';
import type { Instant } from '../instant.js';
import { ChainHead, type ChainReading } from './chain-head.js';
import type { LeaderProbe, LeaderReading } from './leader-probe.js';

/** Everything measured at one instant. A side that could not be measured is a fault, never a stale or invented value. */
export interface Sample {
  readonly at: Instant;
  readonly leader: Measured<LeaderReading>;
  readonly log: Measured<LogReading>;
}

export type Measured<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault };

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
}

/** Takes samples. One at a time. */
export class Sampler {
  readonly #sources: SampleSources;
  readonly #head: ChainHead;
  readonly #reports: FollowerReports;
  readonly #board: ServiceBoard;

  constructor(sources: SampleSources) {
    this.#sources = sources;
    this.#head = new ChainHead(sources.log);
    this.#reports = new FollowerReports(sources.log);
    this.#board = new ServiceBoard(sources.log);
  }

  /**
   * The leader first: what is applied meanwhile then shows as less lag, never as more. The log is read even while the
   * leader is unreachable.
   */
  async take(now: () => Instant): Promise<Sample> {
    const leader = await measured(() => this.#sources.leader.read());
    const log = await measured(() => this.#readLog());
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

async function measured<T>(read: () => Promise<T>): Promise<Measured<T>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    return { ok: false, fault: toFault(error) };
  }
}
