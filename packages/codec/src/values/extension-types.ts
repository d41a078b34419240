import type { ArraySchema, StructSchema } from '../connect/connect-schema.js';
import { float4Of, float4Text } from '../wire/float-text.js';
import { Refusal } from '../wire/refusal.js';
import type { Coding } from './coding.js';

const cellText = (bytes: Uint8Array, from: number, size: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, size).toString('latin1');

/** pgvector's `[1,2.5]`, whose numbers are printed as float4 (halfvec's, too). */
function vectorOf(type: 'float32' | 'float64', name: string): Coding {
  const schema: ArraySchema = { type: 'array', items: { type }, itemsOptional: false, name, version: 1 };
  return {
    schema,
    writer: (wire) => (bytes, from, size, out) => {
      const text = cellText(bytes, from, size);
      const numbers = text
        .slice(1, -1)
        .split(',')
        .map(type === 'float32' ? float4Of : Number);
      if (!/^\[.+\]$/.test(text) || numbers.some(Number.isNaN)) throw new Refusal('the text is not a vector');
      wire.beginArray(numbers.length, out);
      numbers.forEach((number, index) => {
        wire.item(index, out);
        if (type === 'float32') wire.float(number, out);
        else wire.double(number, out);
      });
      wire.endArray(numbers.length, out);
    },
    read: (reader) => {
      const numbers: string[] = [];
      reader.beginArray();
      for (let left = reader.block(); left > 0; left = reader.block()) {
        for (; left > 0; left--) {
          reader.item(numbers.length);
          const number = type === 'float32' ? reader.float() : float4Of(String(reader.double()));
          numbers.push(float4Text(number));
        }
      }
      return `[${numbers.join(',')}]`;
    },
    placeholder: null,
    zero: '[0]',
  };
}

export const doubleVector = vectorOf('float64', 'io.debezium.data.DoubleVector');
export const floatVector = vectorOf('float32', 'io.debezium.data.FloatVector');

const sridFlag = 0x2000_0000;

/** SRID of an extended WKB, when it carries one. */
function sridOf(ewkb: Buffer): number | undefined {
  const little = ewkb[0] === 1;
  const type = little ? ewkb.readUInt32LE(1) : ewkb.readUInt32BE(1);
  if ((type & sridFlag) === 0) return undefined;
  return little ? ewkb.readInt32LE(5) : ewkb.readInt32BE(5);
}

/** An empty geometry collection. */
const emptyGeometry = '010700000000000000';
/** Byte order, type, and at least a count. */
const ewkb_bytes_min = 9;
const notHex = /[^0-9A-F]/;

/** PostGIS's hex EWKB as struct of its bytes and SRID. */
function geometryOf(name: string, doc: string): Coding {
  const schema: StructSchema = {
    type: 'struct',
    name,
    version: 1,
    doc,
    fields: [
      { name: 'wkb', schema: { type: 'bytes' }, optional: false },
      { name: 'srid', schema: { type: 'int32' }, optional: true },
    ],
  };
  return {
    schema,
    writer: (wire) => (bytes, from, size, out) => {
      const text = cellText(bytes, from, size);
      const ewkb = Buffer.from(text, 'hex');
      if (notHex.test(text) || ewkb.length < ewkb_bytes_min || ewkb.length * 2 !== size)
        throw new Refusal('the text is not extended WKB in hex');
      const srid = sridOf(ewkb);
      wire.beginStruct(out);
      wire.field(0, 'wkb', out);
      wire.bytes(ewkb, 0, ewkb.length, out);
      wire.field(1, 'srid', out);
      if (srid === undefined) wire.none(out);
      else {
        wire.some(out);
        wire.int(srid, out);
      }
      wire.endStruct(out);
    },
    read: (reader) => {
      reader.beginStruct();
      reader.field(0, 'wkb');
      const text = reader.bytes().toString('hex').toUpperCase();
      reader.field(1, 'srid');
      if (reader.some()) reader.int();
      reader.endStruct();
      return text;
    },
    placeholder: null,
    zero: emptyGeometry,
  };
}

export const geometry = geometryOf('io.debezium.data.geometry.Geometry', 'Geometry');
export const geography = geometryOf('io.debezium.data.geometry.Geography', 'Geography');
