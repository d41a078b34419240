import type { PgServer } from '@millrace/test-support';
import type { ProcessUse } from '../measure/process-use.js';
import type { Filled, Workload } from '../workloads/workload.js';

/** Where one comparison happens: servers that every contestant shares. */
export interface Stand {
  /** The leader; its publication `bench` holds the workload's tables and `bench_end`. */
  readonly leader: PgServer;
  readonly workload: Workload;
  /** A folder of this comparison; removed after it. */
  readonly folder: string;
  /** `host:port` of the brokers, where the tier has some. */
  readonly brokers?: readonly string[];
}

/** The publication of every contestant that takes one by name. */
export const publication = 'bench';

/** One drain of a backlog by one contestant. */
export interface Drained {
  /** Events of the workload that it drained. */
  readonly events: number;
  /**
   * From the start of the slot's walsender, as the leader tells it, to the last event at the contestant's destination.
   * Starts of programs and virtual machines do not count for anybody.
   */
  readonly seconds: number;
  /** Everything that worked for the contestant, the leader's walsender included. */
  readonly processes: readonly ProcessUse[];
}

/** A contestant's own slot and destination. It stands before the backlog is written, and drains it once. */
export interface Lane {
  drain(backlog: Filled): Promise<Drained>;
  /** Ends what runs, drops the slot, removes the destination; also after a failed drain. */
  remove(): Promise<void>;
}

export interface Contestant {
  /** As it stands in the table: `millrace`, `pg_recvlogical`, `native subscription`, `debezium (tuned)`. */
  readonly name: string;
  /** Product, version and settings that matter, for the results file. */
  describe(): Promise<string>;
  /**
   * Makes slot and destination while the tables are still empty. `lane` is unique in the comparison. If it throws, it
   * leaves nothing behind but what `close` ends.
   */
  prepare(stand: Stand, lane: number): Promise<Lane>;
  /** Ends what its lanes share, after the last of them was removed; also after a failure. */
  close?(): Promise<void>;
}
