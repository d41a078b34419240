import avsc from 'avsc';
import { wireHeader_bytes } from '../envelope/avro-encoder.js';

/** 64-bit integers as bigint: avsc's own long refuses values above 2^53. */
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

const compiled = new Map<string, avsc.Type>();

/** An independent decoder of Confluent Avro bytes. Unions come wrapped (`{string: …}`), longs as bigint. */
function avscType(schema: string): avsc.Type {
  const known = compiled.get(schema);
  if (known) return known;
  const type = avsc.Type.forSchema(JSON.parse(schema), {
    wrapUnions: true,
    // The hook also sees {"type":"long","connect.name":…}, which a registry override of "long" would miss.
    typeHook: (attributes) => {
      const type: unknown =
        typeof attributes === 'string' ? attributes : (attributes as { type?: unknown }).type;
      return type === 'long' ? exactLong : undefined;
    },
  });
  compiled.set(schema, type);
  return type;
}

/** Decodes one value of Confluent's wire format with `schema`, unions unwrapped, records as plain objects. */
export function decodeWithAvsc(schema: string, bytes: Buffer): unknown {
  return plain(avscType(schema).fromBuffer(bytes.subarray(wireHeader_bytes)));
}

function plain(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(plain);
  // avsc wraps a union's value in an object of a class that it names so.
  if (value.constructor.name === 'Branch$') return plain(Object.values(value)[0]);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}
