import type { ColumnType } from '@millrace/model';
import { type ConnectSchema, semantic } from '../connect/connect-schema.js';
import { type Coding, unavailableValue } from './coding.js';

/** The text as it stands, under a schema that says what it is. */
export function textCoding(schema: ConnectSchema): Coding {
  return {
    schema,
    writer: (wire) => wire.text.bind(wire),
    read: (reader) => reader.text(),
    pass: (reader, sink) => {
      reader.textBounds();
      sink.utf8(reader.source, reader.from, reader.to);
    },
    placeholder: unavailableValue,
    zero: '',
  };
}

/** Semantic name of PostgreSQL text that no Debezium encoding holds exactly; parameter `type` is format_type(). */
export const postgresTextName = 'io.millrace.postgres.Text';

export const postgresText = (type: ColumnType): Coding =>
  textCoding(semantic('string', postgresTextName, { type: type.sql }));

export const plainText = textCoding({ type: 'string' });
