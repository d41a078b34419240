import { isUtf8 } from 'node:buffer';
import { Fault } from '@millrace/runtime';
import { float4Of } from './float-text.js';
import { int64, setFromBigint, setFromSafe } from './int64.js';
import { jsonString } from './json-writer.js';
import { asSliceBuffer, type SliceBuffer } from './slices.js';
import type { WireReader } from './wire.js';

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const plainAscii = 0;
const hasEscapes = 1;
const hasUnicode = 2;
const literals = {
  true: Buffer.from('true'),
  false: Buffer.from('false'),
  null: Buffer.from('null'),
} as const;
const integer = /^-?(?:0|[1-9][0-9]{0,18})$/;
/** Shorter integers, sign included, are below 2^53. */
const safeDigits = 16;
const int64_max = 2n ** 63n - 1n;

/**
 * Reads the JSON that `jsonWriter` writes: fields in order and no white space, so that damage shows at once and numbers stay
 * exact (JSON.parse would round int64). Anything else throws MR-5003 with the offset.
 */
export class JsonReader implements WireReader {
  #bytes: SliceBuffer = asSliceBuffer(Buffer.alloc(0));
  #at = 0;
  #fieldNames = new Map<string, Buffer>();
  high = 0;
  low = 0;

  get offset(): number {
    return this.#at;
  }

  reset(bytes: Uint8Array): void {
    this.#bytes = asSliceBuffer(bytes);
    this.#at = 0;
  }

  damaged(what: string, offset = this.#at): Fault {
    return new Fault('MR-5003', { detail: `JSON value, byte ${offset}: ${what}`, context: { offset } });
  }

  /** Moves past `expected`, which must come next. */
  expect(expected: Uint8Array, what: string): void {
    if (!this.#accept(expected)) throw this.damaged(`${what} is missing`);
  }

  /** The next `length` bytes as they stand. */
  rawText(length: number): string {
    const start = this.#at;
    this.#at = Math.min(start + length, this.#bytes.length);
    return this.#bytes.latin1Slice(start, this.#at);
  }

  finish(): void {
    if (this.#at !== this.#bytes.length)
      throw this.damaged(`${this.#bytes.length - this.#at} bytes are left over`);
  }

  boolean(): boolean {
    if (this.#accept(literals.true)) return true;
    this.expect(literals.false, 'a boolean');
    return false;
  }

  int(): number {
    const start = this.#at;
    const text = this.#integerText();
    const value = Number(text);
    if (value !== (value | 0)) throw this.damaged('an int has more than 32 bits', start);
    return value;
  }

  long(): void {
    const start = this.#at;
    const text = this.#integerText();
    if (text.length < safeDigits) {
      setFromSafe(Number(text));
      this.high = int64.high;
      this.low = int64.low;
      return;
    }
    const value = BigInt(text);
    if (value > int64_max || value < -int64_max - 1n)
      throw this.damaged('a long has more than 64 bits', start);
    setFromBigint(value);
    this.high = int64.high;
    this.low = int64.low;
  }

  float(): number {
    return this.#number(float4Of);
  }

  double(): number {
    return this.#number(Number);
  }

  bytes(): Buffer {
    const start = this.#at;
    const text = this.text();
    const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
    const bytes = Buffer.from(text, 'base64');
    // Node leaves out what is not base64; then bytes are missing.
    if (text.length % 4 !== 0 || bytes.length !== (text.length / 4) * 3 - padding)
      throw this.damaged('not base64', start);
    return bytes;
  }

  text(): string {
    const start = this.#at;
    const kind = this.#passString();
    const end = this.#at - 1;
    if (kind === plainAscii) return this.#bytes.latin1Slice(start + 1, end);
    const text = this.#bytes.utf8Slice(start + 1, end);
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start + 1, end)))
      throw this.damaged('the text is not UTF-8', start);
    return (kind & hasEscapes) === 0 ? text : this.#unescaped(text, start);
  }

  /** Moves past a string. */
  skipText(): void {
    this.#passString();
  }

  /** Moves past a number. */
  skipNumber(): void {
    const start = this.#at;
    while (isNumberByte(this.#bytes[this.#at] ?? 0)) this.#at++;
    if (this.#at === start) throw this.damaged('a number is missing');
  }

  /** Moves past a string; tells whether it has escapes or other than ASCII. */
  #passString(): number {
    const bytes = this.#bytes;
    const start = this.#at;
    if (bytes[start] !== quote) throw this.damaged('a string is missing');
    let kind = plainAscii;
    let at = start + 1;
    for (let byte = bytes[at]; byte !== quote; byte = bytes[++at]) {
      if (byte === undefined) throw this.damaged('a string does not end', start);
      if (byte < 0x20) throw this.damaged('a control character stands in a string', at);
      if (byte > 0x7f) kind |= hasUnicode;
      if (byte !== backslash) continue;
      kind |= hasEscapes;
      at++;
    }
    this.#at = at + 1;
    return kind;
  }

  some(): boolean {
    return !this.#accept(literals.null);
  }

  /** One more item, or none before the closing bracket. */
  block(): number {
    if (this.#bytes[this.#at] !== 0x5d) return 1;
    this.#at++;
    return 0;
  }

  beginArray(): void {
    this.#byte(0x5b, '[');
  }

  item(index: number): void {
    if (index > 0) this.#byte(0x2c, ',');
  }

  beginStruct(): void {
    this.#byte(0x7b, '{');
  }

  field(index: number, name: string): void {
    if (index > 0) this.#byte(0x2c, ',');
    let expected = this.#fieldNames.get(name);
    if (!expected) {
      expected = Buffer.concat([jsonString(name), Buffer.from(':')]);
      this.#fieldNames.set(name, expected);
    }
    this.expect(expected, 'a field’s name');
  }

  endStruct(): void {
    this.#byte(0x7d, '}');
  }

  #byte(byte: number, what: string): void {
    if (this.#bytes[this.#at] !== byte) throw this.damaged(`"${what}" is missing`);
    this.#at++;
  }

  #accept(expected: Uint8Array): boolean {
    const at = this.#at;
    const bytes = this.#bytes;
    for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
    this.#at = at + expected.length;
    return true;
  }

  /** The characters of a number, as they stand. */
  #numberText(): string {
    const start = this.#at;
    while (isNumberByte(this.#bytes[this.#at] ?? 0)) this.#at++;
    return this.#bytes.latin1Slice(start, this.#at);
  }

  #integerText(): string {
    const start = this.#at;
    const text = this.#numberText();
    if (!integer.test(text)) throw this.damaged('an integer is missing', start);
    return text;
  }

  #number(parse: (text: string) => number): number {
    const start = this.#at;
    const quoted = this.#bytes[start] === quote;
    const text = quoted ? this.text() : this.#numberText();
    const value = text === '' ? Number.NaN : parse(text);
    const special = text === 'NaN' || text === 'Infinity' || text === '-Infinity';
    if (quoted !== special || (!special && !Number.isFinite(value)))
      throw this.damaged('a number is missing', start);
    return value;
  }

  #unescaped(text: string, start: number): string {
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch {
      throw this.damaged('a string has a wrong escape', start);
    }
  }
}

function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === minus ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45 ||
    byte === 0x65
  );
}
