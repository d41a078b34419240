import type { Relation } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import type { EncodingContext, EnvelopeOp, SnapshotMark } from '../port.js';
import { avroWriter } from '../wire/avro-writer.js';
import { int64, setFromSafe } from '../wire/int64.js';
import { writeLong } from '../wire/varint.js';
import { putInstantMicros, putInstantMillis, putInstantNanos, putText } from './avro-parts.js';
import { ownDigits, powersOfTen, putSequence, safeHigh, writeDigits } from './lsn-digits.js';
import { ContextMemory, hasNoLsn, type SourceConstants } from './source-facts.js';

/** By the bytes of a zigzag varint: the least integer that takes as many; the next entry is the first that takes more. */
const varintRanges: readonly number[] = Array.from({ length: 12 }, (_, bytes) => 2 ** (7 * bytes - 8));

/** xmin, origin, origin_lsn and transaction, all null; then op, one letter long, to be patched. */
const nothingThenOp = Uint8Array.of(0, 0, 0, 0, 2, 0);

const putTimes = [putInstantMillis, putInstantMicros, putInstantNanos] as const;

function encoded(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter(128);
  write(out);
  return out.copy();
}

/**
 * Everything after the rows: source, transaction, op, times. It is the same over a leader transaction but for the LSN and
 * op, so it is built once per context and only patched per event; an event then costs one copy. What is the same in all
 * transactions is encoded once.
 */
export class AvroTail {
  readonly #memory = new ContextMemory();
  readonly #block = new ByteWriter(512);
  /** The finished block. */
  #view: Uint8Array = new Uint8Array(0);
  /** version, connector, name. */
  readonly #names: Uint8Array;
  /** snapshot and db, per mark. */
  readonly #snapshots = new Map<SnapshotMark, Uint8Array>();
  readonly #database: string;
  /** schema, table. */
  readonly #table: Uint8Array;
  /** The envelope's own times, for the instant they were last built for: one per batch. */
  readonly #processed = new ByteWriter(64);
  #processedAt_us: bigint | undefined;
  #lsnHigh = -1;
  #lsnLow = -1;
  #digitsAt = 0;
  #digits = 0;
  #lsnAt = 0;
  /** LSNs from … to below take as many digits and as many bytes as the present one. */
  #patchFrom = 0;
  #patchTo = 0;
  #opAt = 0;

  constructor({ version, connectorName, database }: SourceConstants, relation: Relation) {
    this.#database = database;
    this.#names = encoded((out) => {
      for (const text of [version, 'postgresql', connectorName]) putText(text, out);
    });
    this.#table = encoded((out) => {
      for (const text of [relation.schema, relation.name]) putText(text, out);
    });
  }

  /** Appends the tail of one event. The LSN in unsigned halves. */
  write(op: EnvelopeOp, high: number, low: number, context: EncodingContext, out: ByteWriter): void {
    if (this.#memory.changed(context)) this.#build(high, low, context);
    else if (this.#lsnLow !== low || this.#lsnHigh !== high) this.#patch(high, low, context);
    const view = this.#view;
    view[this.#opAt] = op.charCodeAt(0);
    out.reserve(view.length);
    out.buffer.set(view, out.position);
    out.position += view.length;
  }

  /** Overwrites the LSN where its new form is as long as the old one (it nearly always is), else builds anew. */
  #patch(high: number, low: number, context: EncodingContext): void {
    const { buffer } = this.#block;
    const value = high * 0x1_0000_0000 + low;
    if (!(value >= this.#patchFrom && value < this.#patchTo)) {
      this.#build(high, low, context);
      return;
    }
    writeLong(buffer, high, low, this.#lsnAt);
    writeDigits(buffer, this.#digitsAt + this.#digits, value, this.#digits);
    this.#lsnHigh = high;
    this.#lsnLow = low;
  }

  #build(high: number, low: number, context: EncodingContext): void {
    const block = this.#block;
    const time_us = context.sourceTime_us;
    block.reset();
    block.bytes(this.#names);
    putInstantMillis(time_us, block);
    block.bytes(this.#snapshot(context.snapshot));
    avroWriter.some(block);
    putSequence(high, low, context, block);
    this.#digitsAt = ownDigits.at;
    this.#digits = ownDigits.count;
    avroWriter.some(block);
    putInstantMicros(time_us, block);
    avroWriter.some(block);
    putInstantNanos(time_us, block);
    block.bytes(this.#table);
    this.#putTransactionId(context.xid);
    this.#putLsn(high, low, context);
    block.bytes(nothingThenOp);
    this.#opAt = block.position - 1;
    this.#putTimes(context.processedAt_us);
    if (this.#view.buffer !== block.buffer.buffer || this.#view.length !== block.position)
      this.#view = block.view();
    this.#lsnHigh = high;
    this.#lsnLow = low;
  }

  #snapshot(mark: SnapshotMark): Uint8Array {
    let bytes = this.#snapshots.get(mark);
    if (!bytes) {
      bytes = encoded((out) => {
        // The first branch of ["string", "null"].
        avroWriter.none(out);
        putText(mark, out);
        putText(this.#database, out);
      });
      this.#snapshots.set(mark, bytes);
    }
    return bytes;
  }

  #putTimes(instant_us: bigint): void {
    const times = this.#processed;
    if (this.#processedAt_us !== instant_us) {
      this.#processedAt_us = instant_us;
      times.reset();
      for (const put of putTimes) {
        avroWriter.some(times);
        put(instant_us, times);
      }
    }
    this.#block.bytes(times.buffer, 0, times.position);
  }

  #putTransactionId(xid: number): void {
    if (xid === -1) avroWriter.none(this.#block);
    else {
      avroWriter.some(this.#block);
      setFromSafe(xid >>> 0);
      avroWriter.long(int64.high, int64.low, this.#block);
    }
  }

  #putLsn(high: number, low: number, context: EncodingContext): void {
    this.#patchFrom = 0;
    this.#patchTo = 0;
    if (hasNoLsn(context)) {
      avroWriter.none(this.#block);
      return;
    }
    avroWriter.some(this.#block);
    this.#lsnAt = this.#block.position;
    avroWriter.long(high | 0, low >>> 0, this.#block);
    const digits = this.#digits;
    if (digits === 0 || high < 0 || high >= safeHigh) return;
    const size = this.#block.position - this.#lsnAt;
    this.#patchFrom = Math.max(powersOfTen[digits - 1] as number, varintRanges[size] as number);
    this.#patchTo = Math.min(
      powersOfTen[digits] as number,
      varintRanges[size + 1] as number,
      Number.MAX_SAFE_INTEGER,
    );
  }
}
