import type { ByteWriter } from '@millrace/runtime';

/**
 * How Connect's values are laid out in bytes: Avro binary, or Connect's JSON form. Types convert PostgreSQL text to and from
 * these calls once; both formats then follow. Writers append to `out`, reserving what they need.
 */
export interface WireWriter {
  boolean(value: boolean, out: ByteWriter): void;
  /** A 32-bit signed integer. */
  int(value: number, out: ByteWriter): void;
  /** A 64-bit signed integer as two's-complement halves. */
  long(high: number, low: number, out: ByteWriter): void;
  float(value: number, out: ByteWriter): void;
  double(value: number, out: ByteWriter): void;
  bytes(source: Uint8Array, from: number, size: number, out: ByteWriter): void;
  /** UTF-8 text; bytes that are not UTF-8 are refused, since readers would replace them. */
  text(source: Uint8Array, from: number, size: number, out: ByteWriter): void;
  /** Marks of an optional value: `none` stands alone, `some` stands before the value. */
  none(out: ByteWriter): void;
  some(out: ByteWriter): void;
  beginArray(count: number, out: ByteWriter): void;
  /** Stands before each item. */
  item(index: number, out: ByteWriter): void;
  endArray(count: number, out: ByteWriter): void;
  beginStruct(out: ByteWriter): void;
  /** What stands before a field's value, made once for rows. */
  fieldMark(index: number, name: string): Uint8Array;
  /** Writes the mark. */
  field(index: number, name: string, out: ByteWriter): void;
  endStruct(out: ByteWriter): void;
}

/**
 * The reverse. Reads exactly what a `WireWriter` writes, in order; anything else throws MR-5003 with the offset. Lengths
 * are checked against what is left before anything is allocated.
 */
export interface WireReader {
  /** Where the next read starts; for messages. */
  readonly offset: number;
  /** Halves of the last `long()`. */
  high: number;
  low: number;
  boolean(): boolean;
  int(): number;
  /** Leaves the value in `high` (signed) and `low` (unsigned). */
  long(): void;
  float(): number;
  double(): number;
  /** Valid until the next call. */
  bytes(): Buffer;
  text(): string;
  /** True: a value follows. False: it is null. */
  some(): boolean;
  /** Upper bound of items to come in the present block, 0 at the end. Call again after that many items. */
  block(): number;
  field(index: number, name: string): void;
  beginArray(): void;
  item(index: number): void;
  beginStruct(): void;
  endStruct(): void;
  /** The fault for bytes that cannot be right. */
  damaged(what: string): Error;
}
