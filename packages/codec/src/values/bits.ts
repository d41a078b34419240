import { semantic } from '../connect/connect-schema.js';
import { Refusal } from '../wire/refusal.js';
import type { Coding } from './coding.js';

const zero = 0x30;

/** Debezium's `length` of bit strings without one. */
export const bitsUnbounded = 2_147_483_647;

/** Packs `0`/`1` text little-endian, trimmed to the highest set bit (java.util.BitSet.toByteArray). */
function pack(bytes: Uint8Array, from: number, size: number): Uint8Array {
  const packed = new Uint8Array((size + 7) >> 3);
  let used = 0;
  for (let bit = 0; bit < size; bit++) {
    // The text's last character is bit 0.
    const digit = (bytes[from + size - 1 - bit] as number) - zero;
    if (digit !== 0 && digit !== 1) throw new Refusal('the text is not a bit string');
    if (digit === 0) continue;
    const byte = bit >> 3;
    packed[byte] = (packed[byte] as number) | (1 << (bit & 7));
    used = byte + 1;
  }
  return packed.subarray(0, used);
}

function unpack(packed: Uint8Array, length: number): string {
  const digits = Buffer.alloc(length, zero);
  for (let bit = 0; bit < Math.min(length, packed.length * 8); bit++) {
    if ((((packed[bit >> 3] as number) >> (bit & 7)) & 1) === 1) digits[length - 1 - bit] = zero + 1;
  }
  return digits.toString('latin1', 0, length);
}

/** `io.debezium.data.Bits`. Exact for bit(n); a varbit's own length is lost, and it comes back without leading zeros. */
export function bits(length: number, fixed: boolean): Coding {
  const coding: Coding = {
    schema: semantic('bytes', 'io.debezium.data.Bits', { length: String(length) }),
    writer: (wire) => (bytes, from, size, out) => {
      if (fixed && size !== length) throw new Refusal('the bit string has another length than its type');
      const packed = pack(bytes, from, size);
      wire.bytes(packed, 0, packed.length, out);
    },
    read: (reader) => {
      const packed = reader.bytes();
      if (fixed) {
        if (packed.length > (length + 7) >> 3) throw reader.damaged('a bit string is longer than its type');
        return unpack(packed, length);
      }
      return unpack(packed, packed.length * 8).replace(/^0+/, '');
    },
    placeholder: null,
    // Made on demand: a length may be in the millions.
    get zero() {
      return fixed ? '0'.repeat(length) : '';
    },
  };
  return fixed ? coding : { ...coding, inexact: 'leading zeros of a bit varying value are lost' };
}
