import {
  type BackoffPolicy,
  backoff_ms,
  defaultBackoff,
  Fault,
  isFault,
  JointSignal,
  toFault,
} from '@millrace/runtime';
import type { Reached } from '../decisions.js';
import type { StatusBoard } from '../status.js';
import { OwnOwners } from '../workers/own-owners.js';
import { parseNotes } from './notes.js';
import { RegisteredAnew } from './own-row.js';
import { Session } from './session.js';
import type { SessionOptions } from './session-scope.js';

/** A store with one owner: its lock is free once the owner has gone, and that is the takeover. */
const lockedBackoff: BackoffPolicy = { ...defaultBackoff, max_ms: 1_000 };

/** How several workers take turns at one position row; absent where nobody can tell who else there is. */
export interface Turns {
  /** Resolves with true when a session may take over, with false when `signal` aborted before. */
  next(signal: AbortSignal): Promise<boolean>;
  /** Goes on while a session works, until `signal` aborts. Never rejects. */
  during(signal: AbortSignal): Promise<void>;
  /** The last session failed for a reason that heals: another worker may try first. */
  stepBack(): void;
  /** A new registration ends the run (it throws `RegisteredAnew`), rather than being taken over like any other. */
  readonly endsWhenAnew: boolean;
}

/** Runs one session after the other on one position row: waits out what heals, ends with what does not. */
export class SessionRunner {
  readonly #options: SessionOptions;
  readonly #board: StatusBoard;
  readonly #turns: Turns | undefined;
  readonly #owners = new OwnOwners();
  #reached: Reached | undefined;
  /** Nobody knows whether the row is still this worker's. */
  #inDoubt = false;
  /** The last fault that was waited out, as the log has it. */
  #told: string | undefined;

  constructor(options: SessionOptions, board: StatusBoard, turns?: Turns) {
    this.#options = options;
    this.#board = board;
    this.#turns = turns;
  }

  async run(signal: AbortSignal): Promise<void> {
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
  }

  /** Waits for its turn, then applies until a fault or an abort. */
  async #work(session: Session, signal: AbortSignal): Promise<void> {
    if (!this.#turns) return await session.run(signal, this.#reached);
    await this.#mustStillHold();
    if (!(await this.#turns.next(signal))) return;
    this.#owners.add(session.owner);
    const end = new AbortController();
    using either = new JointSignal(signal, end.signal);
    const beside = this.#turns.during(either.signal);
    try {
      await session.run(signal, this.#reached);
    } finally {
      end.abort();
      await beside;
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
    if (!this.#inDoubt) return;
    const row = reached && (await follower.position());
    this.#inDoubt = false;
    if (!row || !reached || this.#owners.none) return;
    const owner = this.#owners.has(row.owner) ? row.owner : this.#owners.any;
    const registration = parseNotes(row.notes).registration;
    if (decisions.judgeRow({ row: { ...row, registration }, owner, reached }) !== 'fenced') return;
    throw new Fault('MR-4003', { detail: `fenced: follower ${name} belongs to another applier` });
  }

  /** Whatever keeps this worker from working need not keep another one: lets the others go first, once nothing is in doubt. */
  async #stepBack(): Promise<void> {
    if (!this.#turns) return;
    try {
      await this.#mustStillHold();
      this.#turns.stepBack();
    } catch (error) {
      // Another fault: the store does not answer, and the doubt stays until it does.
      if (isFault(error, 'MR-4003')) throw error;
    }
  }

  async #afterFailure(session: Session, error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof RegisteredAnew) {
      this.#reached = undefined;
      this.#inDoubt = false;
      if (this.#turns?.endsWhenAnew) throw error;
      return;
    }
    // R23: the memory outlives the session; a takeover after an unknown commit outcome may find the row at either position.
    this.#reached = session.reached ?? this.#reached;
    if (session.reached) this.#told = undefined;
    this.#inDoubt ||= session.reached !== undefined;
    const fault = toFault(error);
    const { decisions, policies, name, surroundings } = this.#options;
    if (isFault(fault, 'MR-4004') && decisions.mayReplay(policies.onRestore)) {
      surroundings.logger.warn({ follower: name, code: fault.code }, fault.detail);
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
        const backoff = isFault(fault, 'MR-4009') ? lockedBackoff : defaultBackoff;
        const pause_ms = backoff_ms(backoff, this.#board.nextAttempt(), random());
        // A standby may wait for days for what another process holds: the same words once are enough.
        const level = this.#told === fault.message ? 'debug' : 'warn';
        logger[level]({ follower: name, code: fault.code, pause_ms }, fault.detail);
        this.#told = fault.message;
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
