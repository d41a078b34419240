import type { Codec } from '@millrace/codec';
import type { Follower } from '@millrace/follower';
import { ChainReader, type ChainStart, type Log, readRecordEvents } from '@millrace/log';
import type { Service, Surroundings } from '@millrace/runtime';
import { type ApplierDecisions, applierDecisions } from './decisions.js';
import { PartitionedApplier } from './partitioned/applier.js';
import {
  type ApplierLimits,
  type ApplierMode,
  type ApplierPolicies,
  defaultLimits,
  defaultPolicies,
} from './policies.js';
import { ensureRegistered } from './registration/registration.js';
import type { ReadEvents } from './rows/apply-group.js';
import { SessionRunner, type Turns } from './session/session-runner.js';
import type { SessionSettings } from './session/session-scope.js';
import { type ApplierStatus, StatusBoard } from './status.js';
import { nameOf, type Roster, rosterFor, type WorkerIdentity } from './workers/roster.js';

const unnamed: WorkerIdentity = { host: 'unknown', pid: 0 };
const transactional: ApplierMode = { kind: 'transactional' };

export interface ApplierOptions {
  /** The follower's name in configuration, reports and metrics. */
  readonly name: string;
  readonly log: Log;
  readonly codec: Codec;
  readonly follower: Follower;
  /** How several workers share the follower; default `transactional`. */
  readonly mode?: ApplierMode;
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
 * An applier of one follower (log-protocol §5, §6). In transactional mode one of several is active and the others stand by
 * (`status().phase`), where the store can tell them of each other; in partitioned mode several divide the follower's partitions
 * among themselves. `run` resolves after an abort, and rejects with the fault that needs an operator (`stopped`) or says that
 * another applier took over (`fenced`). Faults that heal are waited out with growing pauses and show in the status. Log
 * and follower stay open: whoever made them closes them. Partitioned mode on a store that cannot: `run` rejects with MR-4015.
 */
export function createApplier(options: ApplierOptions): Applier {
  const { readers, limits, policies, decisions, mode = transactional, identity = unnamed, ...rest } = options;
  const settings: SessionSettings = {
    ...rest,
    limits: { ...defaultLimits, ...limits },
    policies: { ...defaultPolicies, ...policies },
    decisions: decisions ?? applierDecisions,
    openChain: readers?.openChain ?? ((log, start) => new ChainReader(log, start)),
    readEvents: readers?.readEvents ?? readRecordEvents,
  };
  const { follower } = options;
  const roster = rosterFor(follower, identity, settings);
  return mode.kind === 'partitioned'
    ? new PartitionedApplier(follower, mode.partitions, settings, roster)
    : new TransactionalApplier(follower, settings, roster);
}

/** One position row for the whole follower, moved by one worker at a time. */
class TransactionalApplier implements Applier {
  readonly #board: StatusBoard;
  readonly #roster: Roster | undefined;
  readonly #runner: SessionRunner;

  constructor(follower: Follower, settings: SessionSettings, roster: Roster | undefined) {
    const { name, log, surroundings } = settings;
    this.#board = new StatusBoard(name, surroundings.clock);
    this.#roster = roster;
    const options = { ...settings, follower, register: () => ensureRegistered(follower, log) };
    this.#runner = new SessionRunner(options, this.#board, roster && this.#turns(roster));
  }

  status(): ApplierStatus {
    return { ...this.#board.status(), others: this.#roster?.others ?? [] };
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#runner.run(signal);
    } finally {
      await this.#roster?.leave();
    }
  }

  #turns(roster: Roster): Turns {
    return {
      next: (signal) =>
        roster.untilActive(signal, (behind) => {
          const doing = behind.active ? 'is active' : 'takes over';
          this.#board.standby(`standby: worker ${nameOf(behind)} ${doing}`);
        }),
      during: (signal) => roster.beatUntil(signal),
      stepBack: () => roster.stepBack(),
      endsWhenAnew: false,
    };
  }
}
