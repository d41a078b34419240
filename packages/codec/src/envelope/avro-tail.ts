import type { Relation } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import type { EncodingContext, EnvelopeOp } from '../port.js';
import { avroWriter } from '../wire/avro-writer.js';
import { int64, int64Text, setFromBigint } from '../wire/int64.js';
import { writeLong } from '../wire/varint.js';
import { ContextMemory, hasNoLsn, type SourceConstants, sequenceStart, timesOf } from './source-facts.js';

/** Upper half of 2^53: below it LSNs are patched by hand, beyond they are built by way of bigint. */
const safeHigh = 0x20_0000;

/**
 * Everything after the rows: source, transaction, op, times. It is the same over a leader transaction but for the LSN and
 * op, so it is encoded once per context and only patched per event; an event then costs one copy.
 */
export class AvroTail {
  readonly #constants: SourceConstants;
  readonly #relation: Relation;
  readonly #memory = new ContextMemory();
  readonly #block = new ByteWriter(512);
  /** The finished block. */
  #view: Uint8Array = new Uint8Array(0);
  #lsnHigh = -1;
  #lsnLow = -1;
  #context: EncodingContext | undefined;
  #digitsAt = 0;
  #digits = 0;
  #lsnAt = 0;
  /** LSNs from … to below take as many digits and as many bytes as the present one. */
  #patchFrom = 0;
  #patchTo = 0;
  #opAt = 0;

  constructor(constants: SourceConstants, relation: Relation) {
    this.#constants = constants;
    this.#relation = relation;
  }

  /** Appends the tail of one event. The LSN in unsigned halves. */
  write(op: EnvelopeOp, high: number, low: number, context: EncodingContext, out: ByteWriter): void {
    if (this.#memory.changed(context)) {
      this.#context = { ...context };
      this.#build(high, low);
    } else if (this.#lsnLow !== low || this.#lsnHigh !== high) this.#patch(high, low);
    const view = this.#view;
    view[this.#opAt] = op.charCodeAt(0);
    out.reserve(view.length);
    out.buffer.set(view, out.position);
    out.position += view.length;
  }

  /** Overwrites the LSN where its new form is as long as the old one (it nearly always is), else builds anew. */
  #patch(high: number, low: number): void {
    const { buffer } = this.#block;
    const value = high * 0x1_0000_0000 + low;
    if (!(value >= this.#patchFrom && value < this.#patchTo)) {
      this.#build(high, low);
      return;
    }
    writeLong(buffer, high, low, this.#lsnAt);
    writeDigits(buffer, this.#digitsAt + this.#digits, value, this.#digits);
    this.#lsnHigh = high;
    this.#lsnLow = low;
  }

  #build(high: number, low: number): void {
    const context = this.#context as EncodingContext;
    const { version, connectorName, database } = this.#constants;
    const block = this.#block;
    const source = timesOf(context.sourceTime_us);
    block.reset();
    for (const text of [version, 'postgresql', connectorName]) putText(text, block);
    putLong(source.ms, block);
    avroWriter.none(block);
    putText(context.snapshot, block);
    putText(database, block);
    this.#buildSequence(high, low, context);
    putOptionalLong(source.us, block);
    putOptionalLong(source.ns, block);
    putText(this.#relation.schema, block);
    putText(this.#relation.name, block);
    putOptionalLong(context.xid === -1 ? undefined : BigInt(context.xid >>> 0), block);
    this.#buildLsn(high, low, context);
    // xmin, origin, origin_lsn; transaction.
    for (let i = 0; i < 4; i++) avroWriter.none(block);
    putText('c', block);
    this.#opAt = block.position - 1;
    const processed = timesOf(context.processedAt_us);
    for (const time of [processed.ms, processed.us, processed.ns]) putOptionalLong(time, block);
    this.#view = block.view();
    this.#lsnHigh = high;
    this.#lsnLow = low;
  }

  #buildSequence(high: number, low: number, context: EncodingContext): void {
    const start = sequenceStart(context);
    const digits = int64Text(high | 0, low >>> 0);
    const text = hasNoLsn(context) ? `${start}null]` : `${start}"${digits}"]`;
    avroWriter.some(this.#block);
    putText(text, this.#block);
    this.#digits = digits.length;
    this.#digitsAt = this.#block.position - 2 - digits.length;
  }

  #buildLsn(high: number, low: number, context: EncodingContext): void {
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

function putText(text: string, out: ByteWriter): void {
  const bytes = Buffer.from(text, 'utf8');
  avroWriter.text(bytes, 0, bytes.length, out);
}

function putLong(value: bigint, out: ByteWriter): void {
  setFromBigint(value);
  avroWriter.long(int64.high, int64.low, out);
}

function putOptionalLong(value: bigint | undefined, out: ByteWriter): void {
  if (value === undefined) avroWriter.none(out);
  else {
    avroWriter.some(out);
    putLong(value, out);
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
