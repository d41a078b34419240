import type { Codec } from '@millrace/codec';
import type { Follower } from '@millrace/follower';
import { ChainReader, type ChainStart, type Log, readRecordEvents } from '@millrace/log';
import {
  backoff_ms,
  defaultBackoff,
  type Fault,
  isFault,
  type Service,
  type Surroundings,
  toFault,
} from '@millrace/runtime';
import type { ReadEvents } from './apply-group.js';
import { type ApplierDecisions, applierDecisions, type Reached } from './decisions.js';
import { type ApplierLimits, type ApplierPolicies, defaultLimits, defaultPolicies } from './policies.js';
import { RegisteredAnew, Session, type SessionOptions } from './session.js';
import { type ApplierStatus, StatusBoard } from './status.js';

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
 * The applier of one follower, transactional mode (log-protocol §5, §6). `run` resolves after an abort, and rejects with the
 * fault that needs an operator (`status().phase` is `stopped`) or says that another applier took over (`fenced`). Faults that heal
 * are waited out with growing pauses and show in the status. Log and follower stay open: whoever made them closes them.
 */
export function createApplier(options: ApplierOptions): Applier {
  return new ApplierService(options);
}

class ApplierService implements Applier {
  readonly #options: SessionOptions;
  readonly #board: StatusBoard;
  #reached: Reached | undefined;
  #attempt = 0;

  constructor(options: ApplierOptions) {
    const { readers, limits, policies, decisions, ...rest } = options;
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
  }

  status(): ApplierStatus {
    return this.#board.status();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const session = new Session(this.#options, this.#board);
      try {
        await session.run(signal, this.#reached);
      } catch (error) {
        if (signal.aborted) break;
        await this.#afterFailure(session, error, signal);
      }
    }
    this.#board.ended();
  }

  async #afterFailure(session: Session, error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof RegisteredAnew) {
      this.#reached = undefined;
      return;
    }
    // R23: the memory outlives the session; a takeover after an unknown commit outcome may find the row at either position.
    this.#reached = session.reached ?? this.#reached;
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
    await this.#decide(session, fault, signal);
  }

  async #decide(session: Session, fault: Fault, signal: AbortSignal): Promise<void> {
    const { name, surroundings } = this.#options;
    const { logger, clock, random } = surroundings;
    switch (fault.entry.policy) {
      case 'backoff':
      case 'reclaim': {
        const pause_ms = backoff_ms(defaultBackoff, this.#attempt++, random());
        logger.warn({ follower: name, code: fault.code, pause_ms }, fault.detail);
        this.#board.waiting(fault.detail, fault.code);
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
        if (isFault(fault, 'MR-4003')) this.#board.fenced(fault);
        else this.#board.stopped(fault);
        throw fault;
    }
  }
}
