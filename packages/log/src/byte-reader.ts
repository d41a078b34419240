import { Fault } from '@millrace/runtime';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a record's bytes, big endian. Whatever does not fit becomes MR-3012 with the offset at which it was noticed, never
 * a read beyond the end and never a guess; counts are checked against the bytes left before anything is allocated.
 */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  i64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** 0 or 1; anything else is damage. */
  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw this.corrupt(`${value} is neither yes nor no`, this.#at - 1);
    return value === 1;
  }

  /** A copy: records outlive the batch they were read in. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  text(): string {
    const length = this.u32();
    const start = this.#take(length);
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw this.corrupt('text is not UTF-8', start);
    }
  }

  /** A counted list. Each item takes at least one byte, so a hostile count cannot outgrow the record. */
  list<T>(item: () => T): T[] {
    const count = this.u32();
    if (count > this.#bytes.length - this.#at) throw this.corrupt(`a list of ${count} does not fit`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  optional<T>(value: () => T): T | undefined {
    return this.flag() ? value() : undefined;
  }

  /** Nothing may follow what was read. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left !== 0) throw this.corrupt(`${left} bytes too many`);
  }

  corrupt(detail: string, offset = this.#at): Fault {
    return new Fault('MR-3012', {
      detail: `${this.#what}, byte ${offset}: ${detail}`,
      context: { offset },
    });
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start)
      throw this.corrupt(`${length} bytes wanted, ${this.#bytes.length - start} left`);
    this.#at = start + length;
    return start;
  }
}
