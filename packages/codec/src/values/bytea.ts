import { ByteWriter } from '@millrace/runtime';
import { Refusal } from '../wire/refusal.js';
import { type Coding, unavailableValue } from './coding.js';

const backslash = 0x5c;
const letterX = 0x78;

const notHex = (): Refusal => new Refusal('the text is not bytea in hex form');

/** Value of an ASCII hex digit in lower case, as PostgreSQL prints it; −1 for any other byte. */
function nibble(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x57;
  return -1;
}

/** Decodes `\x…` into `scratch`. */
function decodeHex(bytes: Uint8Array, from: number, size: number, scratch: ByteWriter): void {
  if (size < 2 || size % 2 !== 0 || bytes[from] !== backslash || bytes[from + 1] !== letterX) throw notHex();
  scratch.reset();
  scratch.reserve(size / 2);
  const { buffer } = scratch;
  let at = 0;
  let wrong = 0;
  for (let i = from + 2; i < from + size; i += 2) {
    const value = (nibble(bytes[i] as number) << 4) | nibble(bytes[i + 1] as number);
    wrong |= value;
    buffer[at++] = value;
  }
  if (wrong < 0) throw notHex();
  scratch.position = at;
}

/** Raw bytes. */
export const bytea: Coding = {
  schema: { type: 'bytes' },
  writer: (wire) => {
    const scratch = new ByteWriter(256);
    return (bytes, from, size, out) => {
      decodeHex(bytes, from, size, scratch);
      wire.bytes(scratch.buffer, 0, scratch.position, out);
      if (scratch.buffer.length > scratchKept_bytes) scratch.buffer = Buffer.allocUnsafeSlow(256);
    };
  },
  read: (reader) => `\\x${reader.bytes().toString('hex')}`,
  placeholder: `\\x${Buffer.from(unavailableValue).toString('hex')}`,
  zero: '\\x',
};

/** One huge value must not keep its memory for good (promise 7). */
const scratchKept_bytes = 1024 * 1024;
