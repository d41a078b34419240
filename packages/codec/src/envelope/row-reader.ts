import type { Cell, Row } from '@millrace/model';
import type { WireReader } from '../wire/wire.js';
import type { PlannedField } from './table-plan.js';

const nothingAbsent = (): boolean => false;

/** Reads the rows that `RowWriter` writes back into cells of PostgreSQL text. */
export class RowReader {
  readonly #columns: number;
  readonly #fields: readonly PlannedField[];

  constructor(columns: number, fields: readonly PlannedField[]) {
    this.#columns = columns;
    this.#fields = fields;
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
