import type { Change, TransactionEnd, TransactionStart } from '@millrace/model';

/** Message types of pgoutput. Source: PostgreSQL documentation 54.9, src/backend/replication/logical/proto.c. */
export const messageType = {
  begin: 0x42, // B
  commit: 0x43, // C
  origin: 0x4f, // O
  relation: 0x52, // R
  type: 0x59, // Y
  insert: 0x49, // I
  update: 0x55, // U
  delete: 0x44, // D
  truncate: 0x54, // T
  message: 0x4d, // M
} as const;

/** Types that only answer options we do not ask for: streaming of in-progress transactions, two-phase commit. */
export const unaskedTypes: ReadonlyMap<number, string> = new Map([
  [0x53, 'stream start'], // S
  [0x45, 'stream stop'], // E
  [0x63, 'stream commit'], // c
  [0x41, 'stream abort'], // A
  [0x62, 'begin prepare'], // b
  [0x50, 'prepare'], // P
  [0x4b, 'commit prepared'], // K
  [0x72, 'rollback prepared'], // r
  [0x70, 'stream prepare'], // p
]);

/** A Relation message: what a table looked like where its next change stands, by names and types alone. */
export interface RelationMessage {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  /** relreplident's letter. */
  readonly identity: string;
  readonly columns: readonly RelationMessageColumn[];
}

export interface RelationMessageColumn {
  readonly name: string;
  /** Part of the replica identity. */
  readonly key: boolean;
  readonly type: number;
  readonly typmod: number;
}

/** A logical message (pg_logical_emit_message); `bytes[start … end)` is valid during the call only. */
export interface LogicalMessage {
  readonly transactional: boolean;
  readonly prefix: string;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What the decoder calls. A promise from `relation` or `message` stops the stream until it resolves. */
export interface PgoutputHandler {
  begin(start: TransactionStart): void;
  commit(end: TransactionEnd): void;
  change(change: Change): void;
  /** The table's changes cannot be decoded before `PgoutputDecoder.define` was called for it. */
  relation(message: RelationMessage): Promise<void> | undefined;
  message(message: LogicalMessage): Promise<void> | undefined;
}
