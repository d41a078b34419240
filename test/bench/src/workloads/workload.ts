import type { PgServer } from '@millrace/test-support';

export type WorkloadName = 'W1' | 'W2' | 'W2-1' | 'W2-10' | 'W3' | 'W5' | 'W6' | 'W8';

/** A backlog that lies on the leader. */
export interface Filled {
  /** Row events that a publication of the workload's tables yields, the end marker's included. */
  readonly events: number;
  readonly transactions: number;
  /** End LSN of the last commit. */
  readonly end: string;
  /** The last transaction inserted this number into `bench_end`: who shows it has shown everything. */
  readonly marker: number;
}

/** What a leader writes. */
export interface Workload {
  readonly name: WorkloadName;
  /** One line for the table: shape and transactions. */
  readonly title: string;
  /** Qualified names, `public.bench_end` included. */
  readonly tables: readonly string[];
  /** Creates the tables (with their initial rows, if any) and `bench_end`; publications and slots come after it. */
  createTables(leader: PgServer): Promise<void>;
  /** Writes the backlog and, last, its end marker. `scale` 1 is the size of a published run. */
  fill(leader: PgServer, scale: number): Promise<Filled>;
}
