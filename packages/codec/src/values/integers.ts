import { int64, int64Text, setFromBillions, setFromSafe } from '../wire/int64.js';
import { Refusal } from '../wire/refusal.js';
import type { WireReader } from '../wire/wire.js';
import type { Coding } from './coding.js';

const minus = 0x2d;
const zero = 0x30;
const int2_max = 0x7fff;
const int4_max = 0x7fff_ffff;
const int8Digits_max = 19;
/** As many digits always make a safe integer. */
const safeDigits = 15;

const notAnInteger = (): Refusal => new Refusal('the text is not an integer in canonical form');

/** Magnitude of canonical digits (no leading zero), at most `safeDigits` of them. */
function magnitude(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let i = from; i < end; i++) {
    const digit = (bytes[i] as number) - zero;
    if (digit < 0 || digit > 9) throw notAnInteger();
    value = value * 10 + digit;
  }
  return value;
}

/** Parses canonical text of an integer between −max − 1 and max. */
function smallInteger(bytes: Uint8Array, from: number, size: number, max: number): number {
  const negative = bytes[from] === minus;
  const start = negative ? from + 1 : from;
  const digits = from + size - start;
  if (digits < 1 || digits > 10 || (bytes[start] === zero && (digits > 1 || negative))) throw notAnInteger();
  const value = magnitude(bytes, start, from + size);
  if (value > (negative ? max + 1 : max)) throw notAnInteger();
  return negative ? -value : value;
}

/** Parses canonical text of an int8 into `int64`. */
function bigInteger(bytes: Uint8Array, from: number, size: number): void {
  const negative = bytes[from] === minus;
  const start = negative ? from + 1 : from;
  const end = from + size;
  const digits = end - start;
  if (digits < 1 || digits > int8Digits_max || (bytes[start] === zero && (digits > 1 || negative)))
    throw notAnInteger();
  if (digits <= safeDigits) {
    const value = magnitude(bytes, start, end);
    setFromSafe(negative ? -value : value);
    return;
  }
  const split = end - 9;
  setFromBillions(magnitude(bytes, start, split), magnitude(bytes, split, end), negative);
  // The sign of the outcome tells overflow: 19 digits stay below 2^64.
  if (int64.high < 0 !== (negative && !(int64.high === 0 && int64.low === 0))) throw notAnInteger();
}

function smallValue(reader: WireReader, max: number): number {
  const value = reader.int();
  if (value > max || value < -max - 1) throw reader.damaged('an integer is out of its type’s range');
  return value;
}

const small = (type: 'int16' | 'int32', max: number): Coding => ({
  schema: { type },
  writer: (wire) => (bytes, from, size, out) => wire.int(smallInteger(bytes, from, size, max), out),
  read: (reader) => String(smallValue(reader, max)),
  pass: (reader, sink) => sink.int(smallValue(reader, max)),
  placeholder: null,
  zero: '0',
});

export const int2 = small('int16', int2_max);
export const int4 = small('int32', int4_max);

/** int8, and oid by its unsigned value. */
export const int8: Coding = {
  schema: { type: 'int64' },
  writer: (wire) => (bytes, from, size, out) => {
    bigInteger(bytes, from, size);
    wire.long(int64.high, int64.low, out);
  },
  read: (reader) => {
    reader.long();
    return int64Text(reader.high, reader.low);
  },
  pass: (reader, sink) => {
    reader.long();
    sink.long(reader.high, reader.low);
  },
  placeholder: null,
  zero: '0',
};
