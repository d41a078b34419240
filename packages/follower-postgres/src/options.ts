import type { Clock, Logger } from '@millrace/runtime';

/** How to reach a PostgreSQL follower and where its tables go. */
export interface PostgresFollowerOptions {
  /** `postgresql://user:password@host:port/database?sslmode=…`, with libpq's meaning. PostgreSQL 14 or later. */
  readonly url: string;
  /** The follower's name in the pipeline; several followers may live in one database under different names and schemas. */
  readonly name: string;
  /** Leader schema → follower schema; schemas that are not named keep their name. */
  readonly schemas?: Readonly<Record<string, string>>;
  /** Schema of Millrace's own tables; default `millrace`. */
  readonly metaSchema?: string;
  /**
   * What to do about a table that stands where a mirrored one is to be created, unless it is empty and has the same columns:
   * `refuse` (default, MR-4008), or `adopt` it with its rows when its columns and key fit.
   */
  readonly existingTables?: 'refuse' | 'adopt';
  /** After how long the server ends a paused applier that holds the position row (R22); default 60 s. */
  readonly idleInTransactionTimeout_ms?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const defaultMetaSchema = 'millrace';
export const defaultIdleInTransactionTimeout_ms = 60_000;
