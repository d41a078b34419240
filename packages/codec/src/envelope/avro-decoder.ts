import type { RowSink } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { DecodedEvent, EnvelopeOp, EventDecoder } from '../port.js';
import { AvroReader } from '../wire/avro-reader.js';
import { sourceSchema } from './envelope-schema.js';
import { RowReader } from './row-reader.js';
import type { TablePlan } from './table-plan.js';

export function isOp(text: string): text is EnvelopeOp {
  return text === 'r' || text === 'c' || text === 'u' || text === 'd' || text === 't';
}

/** Confluent Avro bytes back to cells. The writer's schema must be the very one this relation version has. */
export class AvroDecoder implements EventDecoder {
  readonly #reader = new AvroReader();
  readonly #rows: RowReader;
  readonly #schemaId: number | undefined;
  readonly #topic: string;
  readonly #explain: (id: number) => string;

  /**
   * `schemaId`: undefined when nobody has registered this table version's schema, hence no event can have it.
   * `explain` tells what a foreign schema id is, in words; asked only when one turns up.
   */
  constructor(topic: string, plan: TablePlan, schemaId: number | undefined, explain: (id: number) => string) {
    this.#topic = topic;
    this.#explain = explain;
    this.#schemaId = schemaId;
    this.#rows = new RowReader(plan.relation.columns.length, plan.fields);
  }

  decode(value: Uint8Array, isAbsent: (column: number) => boolean): DecodedEvent {
    const reader = this.#open(value);
    const before = reader.some() ? this.#rows.read(reader) : null;
    const after = reader.some() ? this.#rows.read(reader, isAbsent) : null;
    const op = readTail(reader);
    return { op, before, after };
  }

  passInsert(value: Uint8Array, sink: RowSink): boolean {
    const reader = this.#open(value);
    // An insert has no old row, and a new one; an update may look the same up to its op, which stands behind the row.
    if (!this.#rows.isComplete || reader.some() || !reader.some()) return false;
    this.#rows.pass(reader, sink);
    const isInsert = readTail(reader) === 'c';
    if (isInsert) sink.endRow();
    else sink.dropRow();
    return isInsert;
  }

  /** At the first byte behind the schema id. */
  #open(value: Uint8Array): AvroReader {
    const reader = this.#reader;
    reader.reset(value);
    if (reader.byte() !== 0) throw reader.damaged('the magic byte is not 0', 0);
    const id = reader.u32();
    if (id !== this.#schemaId) throw this.#foreign(id);
    return reader;
  }

  #foreign(id: number): Fault {
    const own = this.#schemaId === undefined ? 'a schema that nobody registered' : `schema ${this.#schemaId}`;
    return new Fault('MR-5004', {
      detail: `an event of topic ${this.#topic} names schema ${id}, but this table version has ${own}: ${this.#explain(id)}`,
      context: { topic: this.#topic, schema: id, expected: this.#schemaId },
      remedy:
        'Set the preset the events were written with, or run `millrace resync --all` to write them anew.',
    });
  }
}

/** Everything behind the rows; returns the op. */
function readTail(reader: AvroReader): EnvelopeOp {
  skipSource(reader);
  if (reader.some()) throw reader.damaged('a transaction block stands where none is written');
  const op = reader.text();
  if (!isOp(op)) throw reader.damaged('unknown op');
  for (let i = 0; i < 3; i++) if (reader.some()) reader.skipLong();
  reader.finish();
  return op;
}

const requiredText = 0;
const optionalText = 1;
/** A field with a default has its branches the other way round. */
const defaultedText = 2;
const requiredLong = 3;
const optionalLong = 4;

const sourceFields = Uint8Array.from(sourceSchema.fields, ({ schema, optional, defaultText }) => {
  if (schema.type !== 'string') return optional ? optionalLong : requiredLong;
  if (defaultText !== undefined) return defaultedText;
  return optional ? optionalText : requiredText;
});

/** Reads past the source block: nothing in it is needed to apply an event. */
function skipSource(reader: AvroReader): void {
  for (let i = 0; i < sourceFields.length; i++) {
    const field = sourceFields[i] as number;
    if (field >= requiredLong) {
      if (field === requiredLong || reader.some()) reader.skipLong();
    } else if (field === requiredText || reader.some() === (field === optionalText)) reader.skip();
  }
}
