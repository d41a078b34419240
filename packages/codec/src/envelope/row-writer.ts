import { constants } from 'node:buffer';
import { cellAbsent, type RowImage } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';
import type { CellWriter } from '../values/coding.js';
import { Refusal } from '../wire/refusal.js';
import type { WireWriter } from '../wire/wire.js';
import { type PlannedField, type TablePlan, valueRefused } from './table-plan.js';

interface CompiledField {
  readonly plan: PlannedField;
  readonly column: number;
  /** What stands before the value. */
  readonly mark: Uint8Array;
  readonly optional: boolean;
  readonly write: CellWriter;
  /** Encoded in advance: what stands for an unchanged TOAST value, and for a cell the leader left out of an old row. */
  readonly placeholder: Uint8Array;
  readonly filler: Uint8Array;
}

/** A cell comes back as one JavaScript string, so no longer text is let in. */
const cell_bytes_max = constants.MAX_STRING_LENGTH;

/** Which cells of an image mean something: all, or those of the key only. */
export type ImageExtent = 'full' | 'key';

/** Writes rows of one table (or their keys) as structs, compiled once per relation version. */
export class RowWriter {
  readonly #plan: TablePlan;
  readonly #wire: WireWriter;
  readonly #fields: readonly CompiledField[];

  constructor(plan: TablePlan, fields: readonly PlannedField[], wire: WireWriter) {
    this.#plan = plan;
    this.#wire = wire;
    this.#fields = fields.map((field, index) => compile(field, index, wire));
  }

  /** Appends `image`. Throws MR-5001 for a value that cannot be held. */
  write(image: RowImage, extent: ImageExtent, out: ByteWriter): void {
    const fields = this.#fields;
    const wire = this.#wire;
    const { bytes, offset, length } = image;
    let at = 0;
    try {
      wire.beginStruct(out);
      for (; at < fields.length; at++) {
        const field = fields[at] as CompiledField;
        const { column } = field;
        if (field.mark.length > 0) out.bytes(field.mark);
        const size = length[column] as number;
        if (extent === 'key' && !field.plan.inKey) out.bytes(field.filler);
        else if (size >= 0) {
          if (size > cell_bytes_max)
            throw new Refusal('the value is longer than decoders can hold (512 MiB of text)');
          if (field.optional) wire.some(out);
          field.write(bytes, offset[column] as number, size, out);
        } else this.#missing(field, size, out);
      }
      wire.endStruct(out);
    } catch (error) {
      if (error instanceof Refusal)
        throw valueRefused(this.#plan.relation, (fields[at] as CompiledField).plan, error.message);
      throw error;
    }
  }

  #missing(field: CompiledField, size: number, out: ByteWriter): void {
    if (size === cellAbsent) {
      if (field.plan.inKey) throw new Refusal('the leader did not send this key column’s unchanged value');
      out.bytes(field.placeholder);
    } else if (field.optional) this.#wire.none(out);
    // Debezium writes a zero here. A NULL that was in the row is data, so it is refused instead (promise 8).
    else throw new Refusal('the value is NULL, but the leader’s catalogue says NOT NULL');
  }
}

function compile(plan: PlannedField, index: number, wire: WireWriter): CompiledField {
  const { column, name, optional, coding } = plan;
  const mark = wire.fieldMark(index, name);
  const write = coding.writer(wire);
  const encoded = (text: string | null): Uint8Array => {
    const out = new ByteWriter(64);
    if (text === null && optional) wire.none(out);
    else {
      if (optional) wire.some(out);
      const cell = Buffer.from(text ?? coding.zero, 'utf8');
      write(cell, 0, cell.length, out);
    }
    return out.copy();
  };
  // Debezium's rule for what an old row lacks: null where the column may be null, else a zero.
  const filler = optional ? encoded(null) : encoded(coding.zero);
  return { plan, column, mark, optional, write, placeholder: encoded(coding.placeholder), filler };
}
