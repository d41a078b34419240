import type { Change, Relation, Row, RowImage, RowSink } from '@millrace/model';
import type { ByteWriter } from '@millrace/runtime';

/**
 * Port: events to bytes and back. One codec per pipeline. Encoders and decoders are compiled once per relation version
 * and topic (encoders register schemas on the way, decoders look theirs up: hence asynchronous); then they work synchronously, bytes to bytes.
 *
 * - What `decode` returns equals what was encoded, cell by cell, as PostgreSQL text in the leader's canonical form
 *   (promise 8). A preset under which a column's type cannot come back exactly says so: `inexactColumns`.
 * - A value that the encoding cannot hold exactly throws MR-5001 naming table, column and type, never the value.
 * - Absent cells are written as the preset's placeholder for outside consumers; decoders ignore it and read absence from
 *   the event header alone.
 */
export interface Codec {
  /** `avro/lossless`, `avro/debezium`, `json/lossless`, `json/debezium`. */
  readonly name: string;
  encoder(topic: string, relation: Relation): Promise<EventEncoder>;
  decoder(topic: string, relation: Relation): Promise<EventDecoder>;
  /** Names of columns whose values do not survive this codec exactly, with the reason. Empty under lossless presets. */
  inexactColumns(relation: Relation): readonly { readonly column: string; readonly reason: string }[];
}

/** Facts of a transaction that go into `source` and `transaction` of the envelope; constant over its events. */
export interface EncodingContext {
  /** Debezium's source.ts_*: commit time, or the snapshot's, microseconds since the epoch. */
  sourceTime_us: bigint;
  /** Clock of capture when the batch was begun, microseconds since the epoch. */
  processedAt_us: bigint;
  /** 32-bit xid; −1 for none (windowed snapshot rows). */
  xid: number;
  /** End LSN of the last commit before this one, halves; both −1 for none. For `source.sequence`. */
  lastCommitHigh: number;
  lastCommitLow: number;
  snapshot: SnapshotMark;
}

export type SnapshotMark =
  | 'false'
  | 'true'
  | 'first'
  | 'first_in_data_collection'
  | 'last_in_data_collection'
  | 'last'
  | 'incremental';

/** Debezium's letters: read (snapshot), create, update, delete, truncate. */
export type EnvelopeOp = 'r' | 'c' | 'u' | 'd' | 't';

export interface EventEncoder {
  /** False: the relation has no key, records carry none. */
  readonly keyed: boolean;
  /** Appends the key bytes of `image` to `out`. Only when `keyed`. */
  key(image: RowImage, out: ByteWriter): void;
  /**
   * Appends the value bytes. `change` supplies before/after and LSN; `op` decides what is used of it: `r`/`c` after only,
   * `d` before only, `u` both. A key change is encoded as `d` then `c` by the caller.
   */
  value(op: EnvelopeOp, change: Change, context: EncodingContext, out: ByteWriter): void;
}

/** What comes back. `before` of a delete holds at least the key's cells; other cells mean nothing unless `beforeIsFull`. */
export interface DecodedEvent {
  readonly op: EnvelopeOp;
  readonly before: Row | null;
  readonly after: Row | null;
}

export interface EventDecoder {
  /**
   * `value` as the log gave it. Absent columns are told by `isAbsent` (from the event header), and come back as
   * undefined cells in `after`. Damaged bytes throw MR-5003 with the offset; a foreign schema id MR-5004.
   */
  decode(value: Uint8Array, isAbsent: (column: number) => boolean): DecodedEvent;
  /**
   * Passes the row of an insert (`c`) without absent cells on to `sink`, without making objects. False: the event is another, or
   * this decoder cannot; the sink is then as it was, and `decode` tells what it is. Throws as `decode` does.
   */
  passInsert(value: Uint8Array, sink: RowSink): boolean;
}

/** Where schemas are kept: the log's own table or an external registry in production, a map in tests. */
export interface SchemaStore {
  /** The schema text stored under `id`, if any. */
  get(id: number): Promise<string | undefined>;
  /**
   * Stores a schema under a subject; the same text twice gives the same id. Ids are positive 31-bit integers. Settles only
   * when outside consumers can find the schema under that id: no event names it before.
   */
  register(subject: string, schema: string): Promise<number>;
  /** The id that `register` has given this schema under this subject; undefined if nobody registered it. Writes nothing. */
  find(subject: string, schema: string): Promise<number | undefined>;
}
