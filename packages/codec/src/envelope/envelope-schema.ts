import {
  type ConnectSchema,
  type StructField,
  type StructSchema,
  semantic,
} from '../connect/connect-schema.js';
import { avroSchemaName } from '../connect/names.js';

/** Debezium's marks of `source.snapshot`, as its Enum lists them (debezium-envelope §4). */
const snapshotMarks = 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental';

const text: ConnectSchema = { type: 'string' };
const long: ConnectSchema = { type: 'int64' };
const required = (name: string, schema: ConnectSchema): StructField => ({ name, schema, optional: false });
const optional = (name: string, schema: ConnectSchema): StructField => ({ name, schema, optional: true });

/** `io.debezium.connector.postgresql.Source`, in Debezium's field order. */
export const sourceSchema: StructSchema = {
  type: 'struct',
  name: 'io.debezium.connector.postgresql.Source',
  version: 1,
  fields: [
    required('version', text),
    required('connector', text),
    required('name', text),
    required('ts_ms', long),
    {
      name: 'snapshot',
      schema: semantic('string', 'io.debezium.data.Enum', { allowed: snapshotMarks }),
      optional: true,
      defaultText: 'false',
    },
    required('db', text),
    optional('sequence', text),
    optional('ts_us', long),
    optional('ts_ns', long),
    required('schema', text),
    required('table', text),
    optional('txId', long),
    optional('lsn', long),
    optional('xmin', long),
    optional('origin', text),
    optional('origin_lsn', long),
  ],
};

/** `event.block`: stands in every schema, null unless transaction metadata is on. */
const transactionSchema: StructSchema = {
  type: 'struct',
  name: 'event.block',
  version: 1,
  fields: [required('id', text), required('total_order', long), required('data_collection_order', long)],
};

/** Debezium's envelope (version 2) of a topic whose rows have `fields`. */
export function envelopeSchema(topic: string, fields: readonly StructField[]): StructSchema {
  const name = avroSchemaName(topic);
  const value: StructSchema = { type: 'struct', name: `${name}.Value`, fields };
  return {
    type: 'struct',
    name: `${name}.Envelope`,
    version: 2,
    fields: [
      optional('before', value),
      optional('after', value),
      required('source', sourceSchema),
      optional('transaction', transactionSchema),
      required('op', text),
      optional('ts_ms', long),
      optional('ts_us', long),
      optional('ts_ns', long),
    ],
  };
}

export function keySchema(topic: string, fields: readonly StructField[]): StructSchema {
  return { type: 'struct', name: `${avroSchemaName(topic)}.Key`, fields };
}
