import { type Change, type RowImage, relationName } from '@millrace/model';
import { assert, type ByteWriter } from '@millrace/runtime';
import type { EncodingContext, EnvelopeOp, EventEncoder } from '../port.js';
import { avroWriter } from '../wire/avro-writer.js';
import { AvroTail } from './avro-tail.js';
import { RowWriter } from './row-writer.js';
import type { SourceConstants } from './source-facts.js';
import type { TablePlan } from './table-plan.js';

/** Confluent's wire format: magic byte 0, schema id as u32 big endian, Avro binary. */
export const wireHeader_bytes = 5;

function putHeader(schemaId: number, out: ByteWriter): void {
  out.reserve(wireHeader_bytes);
  const { buffer, position } = out;
  buffer[position] = 0;
  buffer[position + 1] = schemaId >>> 24;
  buffer[position + 2] = schemaId >>> 16;
  buffer[position + 3] = schemaId >>> 8;
  buffer[position + 4] = schemaId;
  out.position = position + wireHeader_bytes;
}

/** PostgreSQL text bytes to Confluent Avro bytes, one relation version of one topic. */
export class AvroEncoder implements EventEncoder {
  readonly keyed: boolean;
  readonly #table: string;
  readonly #keyId: number;
  readonly #valueId: number;
  readonly #key: RowWriter;
  readonly #row: RowWriter;
  readonly #tail: AvroTail;

  constructor(plan: TablePlan, ids: { key: number; value: number }, constants: SourceConstants) {
    this.keyed = plan.key.length > 0;
    this.#table = relationName(plan.relation);
    this.#keyId = ids.key;
    this.#valueId = ids.value;
    this.#key = new RowWriter(plan, plan.key, avroWriter);
    this.#row = new RowWriter(plan, plan.fields, avroWriter);
    this.#tail = new AvroTail(constants, plan.relation);
  }

  key(image: RowImage, out: ByteWriter): void {
    assert(this.keyed, `events of ${this.#table} have no key`);
    putHeader(this.#keyId, out);
    this.#key.write(image, 'full', out);
  }

  value(op: EnvelopeOp, change: Change, context: EncodingContext, out: ByteWriter): void {
    putHeader(this.#valueId, out);
    const before = op === 'd' || op === 'u' ? change.before : undefined;
    const after = op === 'd' || op === 't' ? undefined : change.after;
    assert(op === 't' || (op === 'd' ? before : after) !== undefined, `event ${op} lacks its row`);
    this.#optionalRow(before, change.beforeIsFull ? 'full' : 'key', out);
    this.#optionalRow(after, 'full', out);
    this.#tail.write(op, change.lsnHigh, change.lsnLow, context, out);
  }

  #optionalRow(image: RowImage | undefined, extent: 'full' | 'key', out: ByteWriter): void {
    if (image === undefined) avroWriter.none(out);
    else {
      avroWriter.some(out);
      this.#row.write(image, extent, out);
    }
  }
}
