import type { StructSchema } from '../connect/connect-schema.js';
import { float8Text } from '../wire/float-text.js';
import { Refusal } from '../wire/refusal.js';
import type { Coding } from './coding.js';

const schema: StructSchema = {
  type: 'struct',
  name: 'io.debezium.data.geometry.Point',
  version: 1,
  fields: [
    { name: 'x', schema: { type: 'float64' }, optional: false },
    { name: 'y', schema: { type: 'float64' }, optional: false },
    { name: 'wkb', schema: { type: 'bytes' }, optional: true },
    { name: 'srid', schema: { type: 'int32' }, optional: true },
  ],
};

const number = '-?(?:[0-9]+(?:\\.[0-9]+)?(?:e[-+][0-9]+)?|Infinity|NaN)';
const pointText = new RegExp(`^\\((${number}),(${number})\\)$`);

/** Well-known binary of a point: byte order 1 (little), type 1, x, y. */
function wkbOf(x: number, y: number): Buffer {
  const wkb = Buffer.alloc(21);
  wkb[0] = 1;
  wkb.writeUInt32LE(1, 1);
  wkb.writeDoubleLE(x, 5);
  wkb.writeDoubleLE(y, 13);
  return wkb;
}

/** As `point`, with the description that Debezium's schema carries. */
export const documentedPoint = (): Coding => ({ ...point, schema: { ...schema, doc: 'Geometry (POINT)' } });

/** Exact: both coordinates are float8, printed shortest. */
export const point: Coding = {
  schema,
  writer: (wire) => (bytes, from, size, out) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, size).toString('latin1', 0, size);
    const match = pointText.exec(text);
    if (!match) throw new Refusal('the text is not a point');
    const x = Number(match[1]);
    const y = Number(match[2]);
    const wkb = wkbOf(x, y);
    wire.beginStruct(out);
    wire.field(0, 'x', out);
    wire.double(x, out);
    wire.field(1, 'y', out);
    wire.double(y, out);
    wire.field(2, 'wkb', out);
    wire.some(out);
    wire.bytes(wkb, 0, wkb.length, out);
    wire.field(3, 'srid', out);
    wire.none(out);
    wire.endStruct(out);
  },
  read: (reader) => {
    reader.beginStruct();
    reader.field(0, 'x');
    const x = reader.double();
    reader.field(1, 'y');
    const y = reader.double();
    reader.field(2, 'wkb');
    if (reader.some()) reader.bytes();
    reader.field(3, 'srid');
    if (reader.some()) reader.int();
    reader.endStruct();
    return `(${float8Text(x)},${float8Text(y)})`;
  },
  placeholder: null,
  zero: '(0,0)',
};
