/** Up to here a byte loop beats a call into native code. */
const shortCopy_bytes = 32;

/** Writes 32 bits big endian, without the checks of Buffer's own functions: room is the caller's. Returns the position after it. */
export function putU32(buffer: Uint8Array, value: number, at: number): number {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
  return at + 4;
}

/** The same for 16 bits. */
export function putU16(buffer: Uint8Array, value: number, at: number): number {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
  return at + 2;
}

/**
 * A growable byte buffer that hot paths write into directly: reserve, write at `buffer[position…]`, advance.
 * `reset` keeps the memory, so a steady stream allocates nothing.
 */
export class ByteWriter {
  buffer: Buffer;
  position = 0;

  constructor(initial_bytes = 4096) {
    this.buffer = Buffer.allocUnsafeSlow(initial_bytes);
  }

  /** Makes room for `bytes` more. May replace `buffer`: read it anew afterwards. */
  reserve(bytes: number): void {
    const needed = this.position + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.position++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.position = putU16(this.buffer, value, this.position);
  }

  u32(value: number): void {
    this.reserve(4);
    this.position = putU32(this.buffer, value, this.position);
  }

  u64(value: bigint): void {
    this.reserve(8);
    this.position = this.buffer.writeBigUInt64BE(value, this.position);
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    const length = end - start;
    this.reserve(length);
    const { buffer, position } = this;
    if (length <= shortCopy_bytes)
      for (let i = 0; i < length; i++) buffer[position + i] = source[start + i] as number;
    else buffer.set(start === 0 && end === source.length ? source : source.subarray(start, end), position);
    this.position = position + length;
  }

  /** UTF-8 text, without a length. */
  utf8(text: string): void {
    this.reserve(text.length * 3);
    this.position += this.buffer.write(text, this.position, 'utf8');
  }

  /** The bytes written so far, as a view into `buffer`: valid until the next write. */
  view(): Buffer {
    return this.buffer.subarray(0, this.position);
  }

  /** The bytes written so far, copied. */
  copy(): Buffer {
    return Buffer.from(this.view());
  }

  reset(): void {
    this.position = 0;
  }
}
