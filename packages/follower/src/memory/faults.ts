/** Where a memory follower can be stopped, slowed or killed. */
export type MemoryStep =
  | 'register'
  | 'takeOver'
  | 'position'
  | 'tables'
  | 'begin'
  | 'evolve'
  | 'write'
  | 'truncate'
  | 'deleteRange'
  | 'commit';

/** What becomes of a commit whose answer is on the way. */
export type CommitFate =
  | 'done'
  /** The connection broke before the store committed: MR-4011, nothing has changed. */
  | 'lost-before'
  /** The connection broke after the store committed: MR-4011, everything has changed. */
  | 'lost-after';

/**
 * Faults of a memory follower, handed in by tests and simulations; never part of its options. A hook may await (a stall) or
 * throw (a crash, a full disk).
 */
export interface MemoryFollowerFaults {
  before?(step: MemoryStep): Promise<void> | void;
  commit?(): CommitFate;
}
