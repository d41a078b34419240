import type { Cell, Row, RowSink } from '@millrace/model';
import type { AvroReader } from '../wire/avro-reader.js';
import type { WireReader } from '../wire/wire.js';
import type { PlannedField } from './table-plan.js';

const nothingAbsent = (): boolean => false;

/** Reads the rows that `RowWriter` writes back into cells of PostgreSQL text. */
export class RowReader {
  readonly #columns: number;
  readonly #fields: readonly PlannedField[];

  /** Every column travels, each in its place: rows can be passed on cell by cell. */
  readonly isComplete: boolean;

  constructor(columns: number, fields: readonly PlannedField[]) {
    this.#columns = columns;
    this.#fields = fields;
    this.isComplete = fields.length === columns && fields.every(({ column }, i) => column === i);
  }

  /** Passes a row on without making it. Only when `isComplete`, and no cell is absent. */
  pass(reader: AvroReader, sink: RowSink): void {
    for (let i = 0; i < this.#fields.length; i++) {
      const { optional, coding } = this.#fields[i] as PlannedField;
      if (optional && !reader.some()) sink.null();
      else if (coding.pass) coding.pass(reader, sink);
      else sink.text(coding.read(reader));
    }
  }

  /** Columns that the preset leaves out stay undefined, as do absent ones. */
  read(reader: WireReader, isAbsent: (column: number) => boolean = nothingAbsent): Row {
    const row = new Array<Cell>(this.#columns).fill(undefined);
    reader.beginStruct();
    for (let i = 0; i < this.#fields.length; i++) {
      const { column, name, optional, coding } = this.#fields[i] as PlannedField;
      reader.field(i, name);
      // The placeholder is read past, never looked at: a real value may equal it.
      const cell = optional && !reader.some() ? null : coding.read(reader);
      row[column] = isAbsent(column) ? undefined : cell;
    }
    reader.endStruct();
    return row;
  }
}
