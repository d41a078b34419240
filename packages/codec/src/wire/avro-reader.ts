import { isUtf8 } from 'node:buffer';
import { Fault } from '@millrace/runtime';
import { asSliceBuffer, type SliceBuffer } from './slices.js';
import type { WireReader } from './wire.js';

/** Strings up to this length are checked for ASCII by a loop and made as one-byte strings. */
const shortText_bytes = 64;
const replacement = '\ufffd';

/** Reads Avro binary strictly: shortest use of every length, nothing beyond the end, MR-5003 with the offset otherwise. */
export class AvroReader implements WireReader {
  #bytes: SliceBuffer = asSliceBuffer(Buffer.alloc(0));
  #at = 0;
  #end = 0;
  high = 0;
  low = 0;
  /** Bounds of the last `textBounds()` in `source`. */
  from = 0;
  to = 0;

  /** The bytes being read. */
  get source(): Uint8Array {
    return this.#bytes;
  }

  get offset(): number {
    return this.#at;
  }

  /** Starts on other bytes. */
  reset(bytes: Uint8Array): void {
    this.#bytes = asSliceBuffer(bytes);
    this.#at = 0;
    this.#end = bytes.byteLength;
  }

  damaged(what: string, offset = this.#at): Fault {
    return new Fault('MR-5003', { detail: `Avro value, byte ${offset}: ${what}`, context: { offset } });
  }

  byte(): number {
    if (this.#at >= this.#end) throw this.damaged('the value is cut');
    return this.#bytes[this.#at++] as number;
  }

  u32(): number {
    this.#need(4);
    const value = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  /** Nothing may be left. */
  finish(): void {
    if (this.#at !== this.#end) throw this.damaged(`${this.#end - this.#at} bytes are left over`);
  }

  boolean(): boolean {
    const byte = this.byte();
    if (byte > 1) throw this.damaged(`${byte} is not a boolean`, this.#at - 1);
    return byte === 1;
  }

  int(): number {
    const start = this.#at;
    let bits = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) break;
      bits |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (bits >>> 1) ^ -(bits & 1);
    }
    throw this.damaged('an int has more than 32 bits', start);
  }

  long(): void {
    const start = this.#at;
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else {
        if (i === 9 && byte > 1) break;
        high |= bits << (7 * i - 32);
      }
      if (byte < 0x80) {
        const sign = -(low & 1);
        this.low = (((low >>> 1) | (high << 31)) ^ sign) >>> 0;
        this.high = (high >>> 1) ^ sign;
        return;
      }
    }
    throw this.damaged('a long has more than 64 bits', start);
  }

  float(): number {
    this.#need(4);
    const value = this.#bytes.readFloatLE(this.#at);
    this.#at += 4;
    return value;
  }

  double(): number {
    this.#need(8);
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  bytes(): Buffer {
    const size = this.#length();
    const start = this.#at;
    this.#at += size;
    return this.#bytes.subarray(start, start + size);
  }

  text(): string {
    const size = this.#length();
    const start = this.#at;
    const end = start + size;
    this.#at = end;
    if (size === 0) return '';
    if (size <= shortText_bytes && this.#isAscii(start, end)) return this.#bytes.latin1Slice(start, end);
    const text = this.#bytes.utf8Slice(start, end);
    if (text.includes(replacement) && !isUtf8(this.#bytes.subarray(start, end)))
      throw this.damaged('the text is not UTF-8', start);
    return text;
  }

  /** Moves past a string, and leaves its bounds in `from` and `to`; checked as `text` does. */
  textBounds(): void {
    const size = this.#length();
    this.from = this.#at;
    this.to = this.#at + size;
    this.#at = this.to;
    if (size <= shortText_bytes && this.#isAscii(this.from, this.to)) return;
    if (!isUtf8(this.#bytes.subarray(this.from, this.to)))
      throw this.damaged('the text is not UTF-8', this.from);
  }

  /** Moves past a string or bytes. */
  skip(): void {
    const size = this.#length();
    this.#at += size;
  }

  /** Moves past an int or long. */
  skipLong(): void {
    const start = this.#at;
    while (this.byte() > 0x7f)
      if (this.#at - start >= 10) throw this.damaged('a long has more than 64 bits', start);
  }

  some(): boolean {
    const byte = this.byte();
    if (byte === 2) return true;
    if (byte === 0) return false;
    throw this.damaged('there is no such union branch', this.#at - 1);
  }

  block(): number {
    const start = this.#at;
    const count = this.int();
    // Every item takes at least one byte; negative counts (with a byte size) are not written by this encoder.
    if (count < 0 || count > this.#end - this.#at) throw this.damaged('an impossible array length', start);
    return count;
  }

  beginArray(): void {}
  item(): void {}
  field(): void {}
  beginStruct(): void {}
  endStruct(): void {}

  #length(): number {
    const start = this.#at;
    const size = this.int();
    if (size < 0 || size > this.#end - this.#at) throw this.damaged('a length exceeds what is left', start);
    return size;
  }

  #need(bytes: number): void {
    if (this.#end - this.#at < bytes) throw this.damaged('the value is cut');
  }

  #isAscii(start: number, end: number): boolean {
    let bits = 0;
    for (let i = start; i < end; i++) bits |= this.#bytes[i] as number;
    return bits < 0x80;
  }
}
