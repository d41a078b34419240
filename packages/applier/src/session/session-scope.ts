import type { Codec } from '@millrace/codec';
import type { Follower } from '@millrace/follower';
import type { ChainReader, ChainStart, Log } from '@millrace/log';
import type { Position } from '@millrace/model';
import type { Surroundings } from '@millrace/runtime';
import type { ApplierDecisions } from '../decisions.js';
import type { Partition } from '../partitioned/partition.js';
import type { ApplierLimits, ApplierPolicies } from '../policies.js';
import type { ReadEvents } from '../rows/apply-group.js';
import type { Standing } from './standing.js';
import type { Topics } from './topics.js';

/** The position row that a session moves: of a whole follower, or of a partition. */
export type Seat = Pick<Follower, 'storeId' | 'takeOver' | 'position' | 'tables' | 'begin'>;

/** What all sessions of an applier share. */
export interface SessionSettings {
  readonly name: string;
  readonly log: Log;
  readonly codec: Codec;
  readonly limits: ApplierLimits;
  readonly policies: ApplierPolicies;
  readonly decisions: ApplierDecisions;
  readonly surroundings: Surroundings;
  readonly openChain: (log: Log, start: ChainStart) => ChainReader;
  readonly readEvents: ReadEvents;
}

export interface SessionOptions extends SessionSettings {
  readonly follower: Seat;
  /** Registers the follower unless it is. */
  readonly register: () => Promise<void>;
  /** Set when the row is that of one partition. */
  readonly partition?: Partition;
  /** Set with `partition`: the registration that its count belongs to. Another one may divide the follower otherwise. */
  readonly registration?: number;
}

/** What the service shows and remembers of a session. */
export interface SessionObserver {
  standing(standing: Standing, topics: Topics): void;
  head(position: Position): void;
  applying(): void;
  idle(): void;
  waiting(reason: string): void;
  applied(group: AppliedGroup): void;
}

/** Figures of one committed follower transaction. */
export interface AppliedGroup {
  readonly records: number;
  readonly transactions: number;
  readonly events: number;
  readonly bytes: number;
  /** Commit time on the leader, microseconds since the Unix epoch; 0 when the group held no transaction. */
  readonly lastCommit_us: bigint;
}
