/**
 * Reads big-endian fields within bounds. Beyond the end it throws `overrun`, one object made in advance: the decoder turns
 * it into a fault with its place.
 */
export class ByteCursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  readonly overrun = new RangeError('read beyond the end of a message');

  skip(count: number): void {
    if (count > this.end - this.at) throw this.overrun;
    this.at += count;
  }

  u8(): number {
    if (this.at >= this.end) throw this.overrun;
    return this.bytes[this.at++] as number;
  }

  u16(): number {
    if (this.end - this.at < 2) throw this.overrun;
    const { bytes, at } = this;
    this.at = at + 2;
    return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  }

  u32(): number {
    if (this.end - this.at < 4) throw this.overrun;
    const { bytes, at } = this;
    this.at = at + 4;
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  }

  i64(): bigint {
    const high = this.u32() | 0;
    return (BigInt(high) << 32n) | BigInt(this.u32());
  }

  /** UTF-8 up to a NUL. */
  text(): string {
    const stop = this.bytes.indexOf(0, this.at);
    if (stop === -1 || stop >= this.end) throw this.overrun;
    const { buffer, byteOffset } = this.bytes;
    const text = Buffer.from(buffer, byteOffset + this.at, stop - this.at).toString('utf8');
    this.at = stop + 1;
    return text;
  }
}
