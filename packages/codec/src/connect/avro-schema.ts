import type {
  ArraySchema,
  ConnectSchema,
  PrimitiveSchema,
  StructField,
  StructSchema,
} from './connect-schema.js';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const decimalName = 'org.apache.kafka.connect.data.Decimal';
/** AvroData's precision of decimals whose schema does not tell one. */
const decimalPrecision_default = '64';

/**
 * The text of a schema as Confluent's AvroData would register it: `connect.*` properties in its order, optional values as
 * ["null", T], a named record written out once and referred to afterwards. Deterministic: its hash is the schema's id.
 */
export function avroSchemaText(schema: StructSchema): string {
  return JSON.stringify(recordOf(schema, '', new Map()));
}

function avroOf(schema: ConnectSchema, namespace: string, written: Map<string, string>): Json {
  switch (schema.type) {
    case 'struct':
      return recordOf(schema, namespace, written);
    case 'array':
      return arrayOf(schema, namespace, written);
    default:
      return primitiveOf(schema);
  }
}

const avroTypes = {
  boolean: 'boolean',
  int16: 'int',
  int32: 'int',
  int64: 'long',
  float32: 'float',
  float64: 'double',
  string: 'string',
  bytes: 'bytes',
} as const;

function primitiveOf(schema: PrimitiveSchema, defaultText?: string): Json {
  const type = avroTypes[schema.type];
  const properties = connectProperties(schema, defaultText);
  if (schema.name === decimalName) {
    const parameters = schema.parameters ?? {};
    return {
      type,
      scale: Number(parameters.scale),
      precision: Number(parameters['connect.decimal.precision'] ?? decimalPrecision_default),
      ...properties,
      logicalType: 'decimal',
    };
  }
  if (schema.type === 'int16') return { type, ...properties, 'connect.type': 'int16' };
  return Object.keys(properties).length === 0 ? type : { type, ...properties };
}

function connectProperties(schema: ConnectSchema, defaultText?: string): Record<string, Json> {
  return {
    ...(schema.doc === undefined ? {} : { 'connect.doc': schema.doc }),
    ...(schema.version === undefined ? {} : { 'connect.version': schema.version }),
    ...(schema.parameters === undefined ? {} : { 'connect.parameters': { ...schema.parameters } }),
    ...(defaultText === undefined ? {} : { 'connect.default': defaultText }),
    ...(schema.name === undefined ? {} : { 'connect.name': schema.name }),
  };
}

function arrayOf(schema: ArraySchema, namespace: string, written: Map<string, string>): Json {
  const items = avroOf(schema.items, namespace, written);
  return {
    type: 'array',
    items: schema.itemsOptional ? ['null', items] : items,
    ...connectProperties(schema),
  };
}

function recordOf(schema: StructSchema, enclosing: string, written: Map<string, string>): Json {
  const { namespace, name } = splitName(schema.name);
  const seen = written.get(schema.name);
  const content = JSON.stringify(schema);
  if (seen !== undefined) {
    if (seen !== content) throw new Error(`two different records are named ${schema.name}`);
    return namespace === enclosing ? name : schema.name;
  }
  written.set(schema.name, content);
  return {
    type: 'record',
    name,
    ...(namespace === enclosing || namespace === '' ? {} : { namespace }),
    fields: schema.fields.map((field) => fieldOf(field, namespace, written)),
    ...connectProperties(schema),
  };
}

function fieldOf(field: StructField, namespace: string, written: Map<string, string>): Json {
  const { schema, name, optional, defaultText } = field;
  if (defaultText !== undefined && schema.type === 'string')
    return { name, type: [primitiveOf(schema, defaultText), 'null'], default: defaultText };
  const type = avroOf(schema, namespace, written);
  return optional ? { name, type: ['null', type], default: null } : { name, type };
}

/** AvroData splits a schema's name at its last dot. */
function splitName(full: string): { namespace: string; name: string } {
  const dot = full.lastIndexOf('.');
  return { namespace: full.slice(0, Math.max(dot, 0)), name: full.slice(dot + 1) };
}
