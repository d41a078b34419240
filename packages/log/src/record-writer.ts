import { assert, ByteWriter } from '@millrace/runtime';

/** Writes what `ByteReader` reads: counted text and lists, optional values behind a flag. */
export class RecordWriter extends ByteWriter {
  i32(value: number): void {
    assert(Number.isInteger(value) && value >= -0x8000_0000 && value <= 0x7fff_ffff, `${value} fits 32 bits`);
    this.reserve(4);
    this.position = this.buffer.writeInt32BE(value, this.position);
  }

  i64(value: bigint): void {
    this.reserve(8);
    this.position = this.buffer.writeBigInt64BE(value, this.position);
  }

  /** An unsigned 32-bit value, refused rather than wrapped when it is not one. */
  count(value: number): void {
    assert(
      Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff,
      `${value} is an unsigned 32-bit integer`,
    );
    this.u32(value);
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  fixed(bytes: Uint8Array, length: number): void {
    assert(bytes.length === length, `${bytes.length} bytes where ${length} belong`);
    this.bytes(bytes);
  }

  text(value: string): void {
    this.u32(0);
    const start = this.position;
    this.utf8(value);
    this.buffer.writeUInt32BE(this.position - start, start - 4);
  }

  list<T>(items: readonly T[], item: (value: T) => void): void {
    this.count(items.length);
    for (const value of items) item(value);
  }

  optional<T>(value: T | undefined, write: (value: T) => void): void {
    this.flag(value !== undefined);
    if (value !== undefined) write(value);
  }
}
