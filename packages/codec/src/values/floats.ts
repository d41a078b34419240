import { float4Of, float4Text, float8Text } from '../wire/float-text.js';
import { Refusal } from '../wire/refusal.js';
import { asSliceBuffer } from '../wire/slices.js';
import type { Coding } from './coding.js';

const ascii = (bytes: Uint8Array, from: number, size: number): string =>
  asSliceBuffer(bytes).latin1Slice(from, from + size);

const numeral = /^-?(?:[0-9]+(?:\.[0-9]+)?(?:e[-+][0-9]+)?|Infinity)$/;

/** A float's text must be a number; anything else would become NaN. */
function checked(text: string): string {
  if (text !== 'NaN' && !numeral.test(text)) throw new Refusal('the text is not a floating-point number');
  return text;
}

/** Exact: PostgreSQL prints the shortest text that reads back as the same value, and so does float8Text. */
export const float8: Coding = {
  schema: { type: 'float64' },
  writer: (wire) => (bytes, from, size, out) => wire.double(Number(checked(ascii(bytes, from, size))), out),
  read: (reader) => float8Text(reader.double()),
  placeholder: null,
  zero: '0',
};

export const float4: Coding = {
  schema: { type: 'float32' },
  writer: (wire) => (bytes, from, size, out) => wire.float(float4Of(checked(ascii(bytes, from, size))), out),
  read: (reader) => float4Text(reader.float()),
  placeholder: null,
  zero: '0',
};
