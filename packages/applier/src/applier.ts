import type { Codec } from '@millrace/codec';
import type { Follower } from '@millrace/follower';
import { ChainReader, type ChainStart, type Log, readRecordEvents } from '@millrace/log';
import {
  type BackoffPolicy,
  backoff_ms,
  defaultBackoff,
  Fault,
  isFault,
  type Service,
  type Surroundings,
  toFault,
} from '@millrace/runtime';
import type { ReadEvents } from './apply-group.js';
import { type ApplierDecisions, applierDecisions, type Reached } from './decisions.js';
import { parseNotes } from './notes.js';
import { type ApplierLimits, type ApplierPolicies, defaultLimits, defaultPolicies } from './policies.js';
import { RegisteredAnew, Session, type SessionOptions } from './session.js';
import { type ApplierStatus, StatusBoard } from './status.js';
import { OwnOwners } from './workers/own-owners.js';
import { nameOf, Roster, type WorkerIdentity } from './workers/roster.js';

/** A store with one owner: its lock is free once the owner has gone, and that is the takeover. */
const lockedBackoff: BackoffPolicy = { ...defaultBackoff, max_ms: 1_000 };
const unnamed: WorkerIdentity = { host: 'unknown', pid: 0 };

export interface ApplierOptions {
  /** The follower's name in configuration, reports and metrics. */
  readonly name: string;
  readonly log: Log;
  readonly codec: Codec;
  readonly follower: Follower;
  readonly limits?: Partial<ApplierLimits>;
  readonly policies?: Partial<ApplierPolicies>;
  readonly surroundings: Surroundings;
  readonly decisions?: ApplierDecisions;
  /** Who this worker is, for the people who read of it in another worker's status. */
  readonly identity?: WorkerIdentity;
  /** How the chain and a record's events are read; the protocol's readers unless a simulation replaces them. */
  readonly readers?: {
    readonly openChain?: (log: Log, start: ChainStart) => ChainReader;
    readonly readEvents?: ReadEvents;
  };
}

export interface Applier extends Service {
  status(): ApplierStatus;
}

/**
 * The applier of one follower, transactional mode (log-protocol §5, §6). Of several on one follower one is active and the others
 * stand by (`status().phase`), where the store can tell them of each other. `run` resolves after an abort, and rejects with the
 * fault that needs an operator (`stopped`) or says that another applier took over (`fenced`). Faults that heal are waited
 * out with growing pauses and show in the status. Log and follower stay open: whoever made them closes them.
 */
export function createApplier(options: ApplierOptions): Applier {
  return new ApplierService(options);
}

class ApplierService implements Applier {
  readonly #options: SessionOptions;
  readonly #board: StatusBoard;
  readonly #roster: Roster | undefined;
  readonly #owners = new OwnOwners();
  #reached: Reached | undefined;
  #attempt = 0;
  /** Nobody knows whether the row is still this worker's. */
  #inDoubt = false;

  constructor(options: ApplierOptions) {
    const { readers, limits, policies, decisions, identity = unnamed, ...rest } = options;
    this.#options = {
      ...rest,
      limits: { ...defaultLimits, ...limits },
      policies: { ...defaultPolicies, ...policies },
      decisions: decisions ?? applierDecisions,
      openChain: readers?.openChain ?? ((log, start) => new ChainReader(log, start)),
      readEvents: readers?.readEvents ?? readRecordEvents,
    };
    this.#board = new StatusBoard(options.name, options.surroundings.clock, () => {
      this.#attempt = 0;
    });
    const { clock, logger } = options.surroundings;
    const { worker_beat_ms: beat_ms, worker_silence_ms: silence_ms } = this.#options.limits;
    const { workers: table } = options.follower;
    this.#roster =
      table && new Roster({ table, identity, beat_ms, silence_ms, follower: options.name, clock, logger });
  }

  status(): ApplierStatus {
    const others = this.#roster?.others ?? [];
    return { ...this.#board.status(), others };
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const session = new Session(this.#options, this.#board);
        try {
          await this.#work(session, signal);
        } catch (error) {
          if (signal.aborted) break;
          await this.#afterFailure(session, error, signal);
        }
      }
      this.#board.ended();
    } finally {
      await this.#roster?.leave();
    }
  }

  /** Waits for its turn, then applies until a fault or an abort. */
  async #work(session: Session, signal: AbortSignal): Promise<void> {
    if (!this.#roster) return await session.run(signal, this.#reached);
    await this.#mustStillHold();
    const isMyTurn = await this.#roster.untilActive(signal, (behind) => {
      const doing = behind.active ? 'is active' : 'takes over';
      this.#board.standby(`standby: worker ${nameOf(behind)} ${doing}`);
    });
    if (!isMyTurn) return;
    this.#owners.add(session.owner);
    const end = new AbortController();
    const beating = this.#roster.beatUntil(AbortSignal.any([signal, end.signal]));
    try {
      await session.run(signal, this.#reached);
    } finally {
      end.abort();
      await beating;
    }
  }

  /**
   * After a session that ended in doubt (connection lost, commit uncertain): throws MR-4003 when another worker has taken over
   * since, which is what may have lost us the connection. Such a worker says so and ends; it does not stand by for what it takes
   * for its own.
   */
  async #mustStillHold(): Promise<void> {
    const { follower, decisions, name } = this.#options;
    const reached = this.#reached;
    const row = this.#inDoubt && reached ? await follower.position() : undefined;
    this.#inDoubt = false;
    if (!row || !reached || this.#owners.none) return;
    const owner = this.#owners.has(row.owner) ? row.owner : this.#owners.any;
    const registration = parseNotes(row.notes).registration;
    if (decisions.judgeRow({ row: { ...row, registration }, owner, reached }) !== 'fenced') return;
    throw new Fault('MR-4003', { detail: `fenced: follower ${name} belongs to another applier` });
  }

  /** Whatever keeps this worker from working need not keep another one: lets the others go first, once nothing is in doubt. */
  async #stepBack(): Promise<void> {
    if (!this.#roster) return;
    try {
      await this.#mustStillHold();
      this.#roster.stepBack();
    } catch (error) {
      if (isFault(error, 'MR-4003')) throw error;
      // The store does not answer: the doubt stays until it does.
      this.#inDoubt = true;
    }
  }

  async #afterFailure(session: Session, error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof RegisteredAnew) {
      this.#reached = undefined;
      return;
    }
    // R23: the memory outlives the session; a takeover after an unknown commit outcome may find the row at either position.
    this.#reached = session.reached ?? this.#reached;
    this.#inDoubt ||= session.reached !== undefined;
    const fault = toFault(error);
    const { decisions, policies } = this.#options;
    if (isFault(fault, 'MR-4004') && decisions.mayReplay(policies.onRestore)) {
      this.#options.surroundings.logger.warn(
        { follower: this.#options.name, code: fault.code },
        fault.detail,
      );
      this.#reached = undefined;
      return;
    }
    try {
      await this.#decide(session, fault, signal);
    } catch (verdict) {
      if (isFault(verdict, 'MR-4003')) this.#board.fenced(verdict);
      throw verdict;
    }
  }

  async #decide(session: Session, fault: Fault, signal: AbortSignal): Promise<void> {
    const { name, surroundings } = this.#options;
    const { logger, clock, random } = surroundings;
    switch (fault.entry.policy) {
      case 'backoff':
      case 'reclaim': {
        const isLocked = isFault(fault, 'MR-4009');
        const pause_ms = backoff_ms(isLocked ? lockedBackoff : defaultBackoff, this.#attempt++, random());
        logger.warn({ follower: name, code: fault.code, pause_ms }, fault.detail);
        this.#board.waiting(fault.detail, fault.code);
        await this.#stepBack();
        await clock.sleep(pause_ms, signal);
        return;
      }
      case 'stop':
        this.#board.stopped(fault);
        logger.error({ follower: name, code: fault.code, err: fault }, `stopped: ${fault.detail}`);
        await session.reportStop(fault).catch((cause: unknown) => {
          logger.warn(
            { follower: name, cause: toFault(cause).code },
            'the stop could not be reported to the log',
          );
        });
        throw fault;
      case 'exit':
        this.#board.stopped(fault);
        throw fault;
    }
  }
}
