import type { Relation } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import type { EncodingContext, EnvelopeOp, SnapshotMark } from '../port.js';
import { avroWriter } from '../wire/avro-writer.js';
import { int64, int64Text, setFromSafe } from '../wire/int64.js';
import { writeLong } from '../wire/varint.js';
import { putInstantMicros, putInstantMillis, putInstantNanos, putText } from './avro-parts.js';
import { ContextMemory, hasNoLsn, type SourceConstants, sequenceStart } from './source-facts.js';

/** Upper half of 2^53: below it LSNs are patched by hand, beyond they are built anew. */
const safeHigh = 0x20_0000;

/** xmin, origin, origin_lsn and transaction, all null; then op, one letter long, to be patched. */
const nothingThenOp = Uint8Array.of(0, 0, 0, 0, 2, 0);

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
  #processed: Uint8Array = new Uint8Array(0);
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
    this.#putSequence(high, low, context);
    avroWriter.some(block);
    putInstantMicros(time_us, block);
    avroWriter.some(block);
    putInstantNanos(time_us, block);
    block.bytes(this.#table);
    this.#putTransactionId(context.xid);
    this.#putLsn(high, low, context);
    block.bytes(nothingThenOp);
    this.#opAt = block.position - 1;
    block.bytes(this.#times(context.processedAt_us));
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

  #times(instant_us: bigint): Uint8Array {
    if (this.#processedAt_us !== instant_us) {
      this.#processedAt_us = instant_us;
      this.#processed = encoded((out) => {
        for (const put of [putInstantMillis, putInstantMicros, putInstantNanos]) {
          avroWriter.some(out);
          put(instant_us, out);
        }
      });
    }
    return this.#processed;
  }

  #putSequence(high: number, low: number, context: EncodingContext): void {
    const start = sequenceStart(context);
    const digits = int64Text(high | 0, low >>> 0);
    avroWriter.some(this.#block);
    putText(hasNoLsn(context) ? `${start}null]` : `${start}"${digits}"]`, this.#block);
    this.#digits = digits.length;
    this.#digitsAt = this.#block.position - 2 - digits.length;
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
    if (high < 0 || high >= safeHigh) return;
    const zigzagBits = 7 * (this.#block.position - this.#lsnAt);
    this.#patchFrom = Math.max(10 ** (this.#digits - 1), 2 ** (zigzagBits - 8));
    this.#patchTo = Math.min(10 ** this.#digits, 2 ** (zigzagBits - 1), Number.MAX_SAFE_INTEGER);
  }
}

const half = 100_000_000;

/** Writes `count` digits of a safe integer so that they end at `end`; two 32-bit parts keep the divisions integer. */
function writeDigits(buffer: Uint8Array, end: number, value: number, count: number): void {
  const top = Math.floor(value / half);
  let rest = (value - top * half) | 0;
  const lower = Math.min(count, 8);
  for (let i = 1; i <= lower; i++) {
    const next = (rest / 10) | 0;
    buffer[end - i] = 0x30 + rest - next * 10;
    rest = next;
  }
  rest = top | 0;
  for (let i = 9; i <= count; i++) {
    const next = (rest / 10) | 0;
    buffer[end - i] = 0x30 + rest - next * 10;
    rest = next;
  }
}
