import type { ByteWriter } from '@millrace/runtime';
import { float4Text, float8Text } from './float-text.js';
import { int64Text } from './int64.js';
import { checkText } from './utf8.js';
import type { WireWriter } from './wire.js';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

const hex = '0123456789abcdef';
const shortEscapes = new Map([
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
]);

function put(text: string, out: ByteWriter): void {
  out.reserve(text.length);
  out.position += out.buffer.write(text, out.position, 'latin1');
}

function putByte(byte: number, out: ByteWriter): void {
  out.reserve(1);
  out.buffer[out.position++] = byte;
}

function putEscaped(byte: number, buffer: Uint8Array, at: number): number {
  buffer[at] = backslash;
  if (byte === quote || byte === backslash) {
    buffer[at + 1] = byte;
    return at + 2;
  }
  const short = shortEscapes.get(byte);
  if (short !== undefined) {
    buffer[at + 1] = short.charCodeAt(0);
    return at + 2;
  }
  buffer[at + 1] = 0x75;
  buffer[at + 2] = 0x30;
  buffer[at + 3] = 0x30;
  buffer[at + 4] = hex.charCodeAt(byte >> 4);
  buffer[at + 5] = hex.charCodeAt(byte & 15);
  return at + 6;
}

function putText(source: Uint8Array, from: number, size: number, out: ByteWriter): void {
  // Most text needs no escapes: assume the length plus quotes, and grow only when a byte needs six.
  out.reserve(size + 2);
  let { buffer, position: at } = out;
  buffer[at++] = quote;
  let bits = 0;
  for (let i = from; i < from + size; i++) {
    const byte = source[i] as number;
    bits |= byte;
    if (byte >= 0x20 && byte !== quote && byte !== backslash) {
      buffer[at++] = byte;
      continue;
    }
    out.position = at;
    out.reserve(from + size - i + 7);
    buffer = out.buffer;
    at = putEscaped(byte, buffer, at);
  }
  if (bits > 0x7f) checkText(source, from, size);
  buffer[at++] = quote;
  out.position = at;
}

/** JSON has no NaN or infinities: Jackson, hence Connect's JsonConverter, quotes them. */
const numberText = (value: number, text: string): string => (Number.isFinite(value) ? text : `"${text}"`);

/** A quoted string of ASCII or any other text that is known at compile time. */
export const jsonString = (text: string): Buffer => Buffer.from(JSON.stringify(text), 'utf8');

/** Connect's JsonConverter with schemas.enable=false: BYTES as base64, INT64 as a number, null for what is absent. */
export const jsonWriter: WireWriter = {
  boolean(value, out) {
    put(value ? 'true' : 'false', out);
  },
  int(value, out) {
    put(String(value), out);
  },
  long(high, low, out) {
    put(int64Text(high, low), out);
  },
  float(value, out) {
    put(numberText(value, float4Text(value)), out);
  },
  double(value, out) {
    put(numberText(value, float8Text(value)), out);
  },
  bytes(source, from, size, out) {
    const view = Buffer.from(source.buffer, source.byteOffset + from, size);
    put(`"${view.toString('base64')}"`, out);
  },
  text: putText,
  none(out) {
    put('null', out);
  },
  some() {},
  beginArray(_count, out) {
    putByte(0x5b, out);
  },
  item(index, out) {
    if (index > 0) putByte(comma, out);
  },
  endArray(_count, out) {
    putByte(0x5d, out);
  },
  beginStruct(out) {
    putByte(0x7b, out);
  },
  fieldMark: (index, name) => Buffer.from(`${index > 0 ? ',' : ''}${JSON.stringify(name)}:`, 'utf8'),
  field(index, name, out) {
    out.bytes(this.fieldMark(index, name));
  },
  endStruct(out) {
    putByte(0x7d, out);
  },
};
