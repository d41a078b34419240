import type { Row } from '@millrace/model';
import type { Source } from '../source.js';

/** A table for the suite: columns of PostgreSQL's `int4` or `text`, all nullable but the key's. */
export interface TableSpec {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: 'int4' | 'text' }[];
  /** Names of the key's columns; empty: no primary key. */
  readonly key: readonly string[];
  readonly identity: 'default' | 'full';
}

/** A transaction on the leader, open until `commit` or `rollback`. Rows are in column order, cells PostgreSQL text or null. */
export interface LeaderTransaction {
  /** One statement. */
  insert(table: string, rows: readonly Row[]): Promise<void>;
  /** `row` names the old row: by key, or by all its cells when there is none. */
  update(table: string, row: Row, after: Row): Promise<void>;
  delete(table: string, row: Row): Promise<void>;
  truncate(table: string): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** The leader as its users see it. */
export interface LeaderDriver {
  /** Makes a published table. */
  createTable(spec: TableSpec): Promise<void>;
  /** ALTER TABLE … ADD COLUMN name text DEFAULT value. */
  addColumn(table: string, name: string, value: string): Promise<void>;
  begin(): Promise<LeaderTransaction>;
  /** Ends the connection that holds the slot, from outside. */
  breakConnection(): Promise<void>;
}

/** What an adapter brings to the suite. Made anew for every test. */
export interface SourceHarness {
  readonly leader: LeaderDriver;
  /** Another client of the same slot, which nobody has made yet. */
  source(): Source;
  /** A text so large that an update which spares it sends it as absent. */
  readonly largeText: string;
  destroy(): Promise<void>;
}
