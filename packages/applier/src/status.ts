import type { FollowerState, SeenWorker } from '@millrace/follower';
import type { Position } from '@millrace/model';
import { type Clock, type DurationFigures, DurationTally, type Fault } from '@millrace/runtime';
import type { AppliedGroup, SessionObserver } from './session/session-scope.js';
import { type Standing, stateOf } from './session/standing.js';
import type { Topics } from './session/topics.js';

/** What an applier is doing. */
export type ApplierPhase =
  | 'starting'
  /** Another worker is active; this one waits, and takes over when that one stops or falls silent. */
  | 'standby'
  /** Everything that counts is applied. */
  | 'idle'
  | 'applying'
  /** Something outside blocks; `waiting` says what. Heals by itself. */
  | 'waiting'
  /** A fault needs an operator; nothing later is applied. */
  | 'stopped'
  /** Another applier took over. */
  | 'fenced'
  /** Ended on request. */
  | 'ended';

export interface Waiting {
  /** What it waits for, in words. */
  readonly reason: string;
  /** The fault's code when one is behind it. */
  readonly code?: string;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly since_ms: number;
}

export interface ApplierStatus {
  readonly follower: string;
  readonly phase: ApplierPhase;
  /** Where the follower stands; undefined before the first takeover. */
  readonly position?: Position;
  readonly state?: FollowerState;
  /** Newest counting record that has been read. */
  readonly head?: Position;
  readonly waiting?: Waiting;
  readonly fault?: Fault;
  /** Since the process began. */
  readonly applied: {
    readonly commits: number;
    readonly records: number;
    readonly transactions: number;
    readonly events: number;
    readonly bytes: number;
  };
  /** Commit time on the leader of the last applied transaction, microseconds since the Unix epoch. */
  readonly lastCommit_us?: bigint;
  /** From the commit on the leader to that in the follower, of the last transaction of each of its commits. By wall clocks. */
  readonly latency: DurationFigures;
  /** Topics whose tables are not complete yet. */
  readonly tablesBuilding: readonly string[];
  /** Other workers of the follower that are alive, as this one last saw them. */
  readonly others: readonly SeenWorker[];
  /**
   * In partitioned mode: how many there are, which this worker has, and whether it speaks for all (it has partition 0, or sees
   * nobody who does). Its `position` is the one that all have reached.
   */
  readonly partitions?: {
    readonly count: number;
    readonly held: readonly number[];
    readonly speaks: boolean;
  };
}

/** Gathers what the sessions tell into the status that others see. */
export class StatusBoard implements SessionObserver {
  readonly #clock: Clock;
  readonly #latency = new DurationTally();
  #attempt = 0;
  #status: ApplierStatus;

  constructor(follower: string, clock: Clock) {
    this.#clock = clock;
    this.#status = {
      follower,
      phase: 'starting',
      applied: { commits: 0, records: 0, transactions: 0, events: 0, bytes: 0 },
      latency: this.#latency.figures(),
      tablesBuilding: [],
      others: [],
    };
  }

  status(): ApplierStatus {
    return { ...this.#status, latency: this.#latency.figures() };
  }

  /** Failures since something was applied: 0 for the first. */
  nextAttempt(): number {
    return this.#attempt++;
  }

  standing(standing: Standing, topics: Topics): void {
    const tablesBuilding = [...standing.building].map((topic) => topics.find(topic) ?? String(topic));
    this.#status = {
      ...this.#status,
      position: standing.position,
      state: stateOf(standing),
      tablesBuilding,
    };
  }

  head(head: Position): void {
    this.#status = { ...this.#status, head };
  }

  applying(): void {
    this.#phase('applying');
  }

  idle(): void {
    this.#phase('idle');
  }

  waiting(reason: string, code?: string): void {
    this.#wait('waiting', reason, code);
  }

  standby(reason: string): void {
    this.#wait('standby', reason);
  }

  #wait(phase: 'waiting' | 'standby', reason: string, code?: string): void {
    const { waiting } = this.#status;
    const since_ms = waiting?.reason === reason ? waiting.since_ms : this.#clock.now();
    this.#status = {
      ...this.#status,
      phase,
      waiting: { reason, since_ms, ...(code === undefined ? {} : { code }) },
    };
  }

  applied(group: AppliedGroup): void {
    this.#attempt = 0;
    if (group.lastCommit_us > 0n)
      this.#latency.observe((this.#clock.now() - Number(group.lastCommit_us / 1_000n)) / 1_000);
    const { applied, waiting: _over, ...status } = this.#status;
    this.#status = {
      ...status,
      applied: {
        commits: applied.commits + 1,
        records: applied.records + group.records,
        transactions: applied.transactions + group.transactions,
        events: applied.events + group.events,
        bytes: applied.bytes + group.bytes,
      },
      ...(group.lastCommit_us > 0n ? { lastCommit_us: group.lastCommit_us } : {}),
    };
  }

  stopped(fault: Fault): void {
    this.#status = { ...this.#status, phase: 'stopped', fault };
  }

  fenced(fault: Fault): void {
    this.#status = { ...this.#status, phase: 'fenced', fault };
  }

  /** What was waited for is over, and nothing is known of the work itself. */
  healed(): void {
    this.#attempt = 0;
    this.#phase('starting');
  }

  ended(): void {
    this.#phase('ended');
  }

  /** A phase of work: what was waited for is over. */
  #phase(phase: ApplierPhase): void {
    const { waiting: _over, ...status } = this.#status;
    this.#status = { ...status, phase };
  }
}
