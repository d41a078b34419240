import type { RowSink } from '@millrace/model';
import type { ByteWriter } from '@millrace/runtime';
import type { ConnectSchema } from '../connect/connect-schema.js';
import type { AvroReader } from '../wire/avro-reader.js';
import type { WireReader, WireWriter } from '../wire/wire.js';

/** Writes one cell's PostgreSQL text, `bytes[from … from + size)`, as a Connect value. Throws `Refusal`. */
export type CellWriter = (bytes: Uint8Array, from: number, size: number, out: ByteWriter) => void;

/** How one column type travels. The encoding is total: it holds a value exactly, or refuses it. */
export interface Coding {
  readonly schema: ConnectSchema;
  readonly writer: (wire: WireWriter) => CellWriter;
  /** Reads the value back as PostgreSQL's text. */
  readonly read: (reader: WireReader) => string;
  /** Reads the value into a sink, where that takes less than making a string of it; means what `read` returns. */
  readonly pass?: (reader: AvroReader, sink: RowSink) => void;
  /** PostgreSQL text whose encoding outside consumers get for an unchanged TOAST value; null: Debezium has none. */
  readonly placeholder: string | null;
  /** PostgreSQL text of the zero-like value that fills a NOT NULL column where the leader sent only the key. */
  readonly zero: string;
  /** Why values may come back different, when they may. */
  readonly inexact?: string;
}

/** Debezium's `unavailable.value.placeholder`. */
export const unavailableValue = '__debezium_unavailable_value';
