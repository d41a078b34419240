import type { Clock, Logger } from '@millrace/runtime';

/** Where a DuckDB follower's file is, and what its engine may use. */
export interface DuckDbFollowerOptions {
  /** The database file; created when missing. Its folder must exist. */
  readonly path: string;
  /** The follower's name in the pipeline. */
  readonly name: string;
  /**
   * DuckDB's own limit, default 100MB. The process takes up to 250 MB beside it, measured on transactions of millions of
   * rows (test/bench, T4 W5).
   * More makes merges into large tables and ordered scans faster.
   */
  readonly memoryLimit?: string;
  /** Engine threads, default 1: merging small batches gains nothing from more. */
  readonly threads?: number;
  /** Where DuckDB spills what its memory limit does not hold; default beside the file. */
  readonly tempDirectory?: string;
  /** Leader schema → follower schema; schemas that are not named keep their name. */
  readonly schemas?: Readonly<Record<string, string>>;
  /** Schema of Millrace's own tables; default `millrace`. */
  readonly metaSchema?: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const defaultMemoryLimit = '100MB';
export const defaultThreads = 1;
export const defaultMetaSchema = 'millrace';
