/**
 * Avro's zig-zag varints on 32-bit halves, so that 64-bit values need no bigint. Callers reserve ten bytes (five for
 * `writeInt`) and move their position to what is returned.
 */

export const varint_bytes_max = 10;

/** Writes a 32-bit signed integer at `at`; returns the position after it. */
export function writeInt(buffer: Uint8Array, value: number, at: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** Writes a 64-bit signed integer given as two's-complement halves. */
export function writeLong(buffer: Uint8Array, high: number, low: number, at: number): number {
  const sign = high >> 31;
  let zigzagHigh = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
  let zigzagLow = ((low << 1) ^ sign) >>> 0;
  while (zigzagHigh !== 0) {
    buffer[at++] = (zigzagLow & 0x7f) | 0x80;
    zigzagLow = ((zigzagLow >>> 7) | (zigzagHigh << 25)) >>> 0;
    zigzagHigh >>>= 7;
  }
  while (zigzagLow > 0x7f) {
    buffer[at++] = (zigzagLow & 0x7f) | 0x80;
    zigzagLow >>>= 7;
  }
  buffer[at++] = zigzagLow;
  return at;
}
