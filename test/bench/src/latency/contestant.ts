import type { Stand } from '../contestants/contestant.js';

/** Somebody who replicates live from a stand's leader into a PostgreSQL follower, to be watched from outside. */
export interface LatencyContestant {
  /** As it stands in the table. */
  readonly name: string;
  /** Product, version and settings that matter, for the results file. */
  describe(): Promise<string>;
  /**
   * Starts from the leader's present rows; resolves once they are in the follower and it follows live. `lane` is unique in
   * the comparison.
   */
  start(stand: Stand, lane: number): Promise<Following>;
  /** What its lanes share; after the last of them. */
  close?(): Promise<void>;
}

/** One that runs. */
export interface Following {
  /** The follower, with the workload's tables under their own names. */
  readonly followerUrl: string;
  /** Throws when one of its processes has ended. */
  assertAlive(): void;
  /** Ends its processes, drops its slot, removes its follower. */
  stop(): Promise<void>;
}
