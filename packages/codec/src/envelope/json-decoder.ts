import type { Row } from '@millrace/model';
import type { DecodedEvent, EventDecoder } from '../port.js';
import { JsonReader } from '../wire/json-reader.js';
import { isOp } from './avro-decoder.js';
import { sourceSchema } from './envelope-schema.js';
import { jsonMarks } from './json-encoder.js';
import { RowReader } from './row-reader.js';
import type { TablePlan } from './table-plan.js';

const tail = ['ts_ms', 'ts_us', 'ts_ns'] as const;
const opLength = 1;

/** Payload JSON back to cells. */
export class JsonDecoder implements EventDecoder {
  readonly #reader = new JsonReader();
  readonly #rows: RowReader;

  constructor(plan: TablePlan) {
    this.#rows = new RowReader(plan.relation.columns.length, plan.fields);
  }

  decode(value: Uint8Array, isAbsent: (column: number) => boolean): DecodedEvent {
    const reader = this.#reader;
    reader.reset(value);
    reader.expect(jsonMarks.before, 'the start of an envelope');
    const before = this.#optionalRow();
    reader.expect(jsonMarks.after, 'field "after"');
    const after = this.#optionalRow(isAbsent);
    reader.expect(jsonMarks.source, 'field "source"');
    skipSource(reader);
    reader.expect(jsonMarks.transaction, 'field "op"');
    const op = reader.rawText(opLength);
    if (!isOp(op)) throw reader.damaged('unknown op');
    reader.expect(jsonMarks.times, 'field "ts_ms"');
    reader.skipNumber();
    for (const name of tail.slice(1)) {
      reader.field(1, name);
      reader.skipNumber();
    }
    reader.endStruct();
    reader.finish();
    return { op, before, after };
  }

  /** Text has to be parsed either way: rows come through `decode`. */
  passInsert(): boolean {
    return false;
  }

  #optionalRow(isAbsent?: (column: number) => boolean): Row | null {
    return this.#reader.some() ? this.#rows.read(this.#reader, isAbsent) : null;
  }
}

function skipSource(reader: JsonReader): void {
  sourceSchema.fields.forEach(({ name, schema, optional }, index) => {
    reader.field(index, name);
    if (optional && !reader.some()) return;
    if (schema.type === 'string') reader.skipText();
    else reader.skipNumber();
  });
}
