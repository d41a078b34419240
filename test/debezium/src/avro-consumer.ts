import avsc from 'avsc';
import { type ExactSchema, type ExactValue, exactBytes, exactDouble, exactFloat } from './exact.js';

/**
 * A consumer of Confluent's Avro that shares no code with the codec: avsc reads the bytes, and the `connect.*` attributes
 * are read as Confluent's AvroData reads them, which turns both into Connect's schema and value.
 */

interface AvroAttributes {
  readonly type: unknown;
  readonly name?: string;
  readonly namespace?: string;
  readonly fields?: readonly { readonly name: string; readonly type: unknown; readonly default?: unknown }[];
  readonly items?: unknown;
  readonly logicalType?: string;
  readonly 'connect.name'?: string;
  readonly 'connect.version'?: number;
  readonly 'connect.parameters'?: Readonly<Record<string, string>>;
  readonly 'connect.default'?: ExactValue;
  readonly 'connect.doc'?: string;
  readonly 'connect.type'?: string;
}

const magicAndId_bytes = 5;
const connectTypes: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  int: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
  string: 'string',
  bytes: 'bytes',
};

/** 64-bit integers as bigint: avsc's own long refuses what a JavaScript number cannot hold. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

function avscType(text: string): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(text), {
    wrapUnions: true,
    typeHook: (attributes) => {
      const type: unknown = typeof attributes === 'string' ? attributes : (attributes as AvroAttributes).type;
      return type === 'long' ? exactLong : undefined;
    },
  });
}

interface Reader {
  readonly text: string;
  readonly type: avsc.Type;
  readonly schema: ExactSchema;
}

/** Reads records whose schemas it asks of a registry. */
export class AvroConsumer {
  readonly #schemaOf: (id: number) => Promise<string | undefined>;
  readonly #readers = new Map<number, Reader>();

  constructor(schemaOf: (id: number) => Promise<string | undefined>) {
    this.#schemaOf = schemaOf;
  }

  async read(bytes: Buffer): Promise<{ value: ExactValue; schema: ExactSchema; text: string }> {
    if (bytes[0] !== 0) throw new Error('the record is not in Confluent’s wire format');
    const { type, schema, text } = await this.#reader(bytes.readUInt32BE(1));
    return { value: exactValue(type.fromBuffer(bytes.subarray(magicAndId_bytes)), schema), schema, text };
  }

  async #reader(id: number): Promise<Reader> {
    const known = this.#readers.get(id);
    if (known) return known;
    const text = await this.#schemaOf(id);
    if (text === undefined) throw new Error(`the registry holds no schema ${id}`);
    const reader = { text, type: avscType(text), schema: connectSchema(text) };
    this.#readers.set(id, reader);
    return reader;
  }
}

/** The Connect schema that AvroData makes of an Avro schema's text. */
export function connectSchema(text: string): ExactSchema {
  return schemaOf(JSON.parse(text), '', new Map());
}

function schemaOf(avro: unknown, namespace: string, named: Map<string, ExactSchema>): ExactSchema {
  if (Array.isArray(avro)) return optionalOf(avro, namespace, named);
  if (typeof avro === 'string') {
    const known = named.get(avro) ?? named.get(`${namespace}.${avro}`);
    if (known) return known;
    return { type: connectType(avro), optional: false };
  }
  const attributes = avro as AvroAttributes;
  if (attributes.type === 'record') return structOf(attributes, namespace, named);
  const semantics = semanticsOf(attributes);
  if (attributes.type === 'array') {
    const items = schemaOf(attributes.items, namespace, named);
    return { type: 'array', optional: false, ...semantics, items };
  }
  if (typeof attributes.type !== 'string') return schemaOf(attributes.type, namespace, named);
  return { type: attributes['connect.type'] ?? connectType(attributes.type), optional: false, ...semantics };
}

function connectType(avro: string): string {
  const type = connectTypes[avro];
  if (type === undefined) throw new Error(`Avro type ${avro} is not one that row events have`);
  return type;
}

function semanticsOf(attributes: AvroAttributes): Omit<ExactSchema, 'type' | 'optional'> {
  const {
    'connect.name': name,
    'connect.version': version,
    'connect.parameters': parameters,
    'connect.doc': doc,
    'connect.default': value,
  } = attributes;
  return {
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(parameters !== undefined && { parameters }),
    ...(doc !== undefined && { doc }),
    ...(value !== undefined && { default: value }),
  };
}

/** Connect has no unions: one of two branches is null. */
function optionalOf(
  branches: readonly unknown[],
  namespace: string,
  named: Map<string, ExactSchema>,
): ExactSchema {
  const [branch] = branches.filter((each) => each !== 'null');
  if (branches.length !== 2 || branch === undefined) throw new Error('a union that is no optional value');
  return { ...schemaOf(branch, namespace, named), optional: true };
}

function structOf(
  attributes: AvroAttributes,
  enclosing: string,
  named: Map<string, ExactSchema>,
): ExactSchema {
  const namespace = attributes.namespace ?? enclosing;
  const full = namespace === '' ? (attributes.name as string) : `${namespace}.${attributes.name}`;
  const fields = (attributes.fields ?? []).map((field) => ({
    name: field.name,
    schema: schemaOf(field.type, namespace, named),
  }));
  // A record without Connect's own name keeps its Avro name.
  const schema = { type: 'struct', optional: false, name: full, ...semanticsOf(attributes), fields };
  named.set(full, schema);
  return schema;
}

function exactValue(value: unknown, schema: ExactSchema): ExactValue {
  if (value === null) return null;
  if (schema.optional) return exactValue(unwrapped(value), { ...schema, optional: false });
  switch (schema.type) {
    case 'boolean':
      return value as boolean;
    case 'string':
      return value as string;
    case 'bytes':
      return exactBytes(value as Buffer);
    case 'float32':
      return exactFloat(value as number);
    case 'float64':
      return exactDouble(value as number);
    case 'array':
      return (value as unknown[]).map((item) => exactValue(item, schema.items as ExactSchema));
    case 'struct':
      return Object.fromEntries(
        (schema.fields ?? []).map((field) => [
          field.name,
          exactValue((value as Record<string, unknown>)[field.name], field.schema),
        ]),
      );
    default:
      return String(value);
  }
}

/** avsc hands a union's value over as an object with one property, the branch's name. */
const unwrapped = (value: unknown): unknown => Object.values(value as Record<string, unknown>)[0];
