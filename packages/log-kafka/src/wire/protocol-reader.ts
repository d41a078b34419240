import { Fault } from '@millrace/runtime';

/** Reads a response's body (flexible versions). Every read is checked against the end: malformed bytes are MR-3023 with their offset. */
export class ProtocolReader {
  readonly bytes: Buffer;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Buffer, what: string) {
    this.bytes = bytes;
    this.#what = what;
  }

  get position(): number {
    return this.#at;
  }

  i8(): number {
    return this.bytes.readInt8(this.#take(1));
  }

  boolean(): boolean {
    return this.i8() !== 0;
  }

  i16(): number {
    return this.bytes.readInt16BE(this.#take(2));
  }

  i32(): number {
    return this.bytes.readInt32BE(this.#take(4));
  }

  i64(): bigint {
    return this.bytes.readBigInt64BE(this.#take(8));
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.bytes[this.#take(1)] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw this.#malformed('a length of more than five bytes');
  }

  compactString(): string {
    return this.compactNullableString() ?? '';
  }

  compactNullableString(): string | undefined {
    const length = this.uvarint() - 1;
    if (length < 0) return undefined;
    const start = this.#take(length);
    return this.bytes.toString('utf8', start, start + length);
  }

  /** 16 bytes, copied: identities outlive their response. */
  uuid(): Uint8Array {
    const start = this.#take(16);
    return new Uint8Array(this.bytes.subarray(start, start + 16));
  }

  /** A view into the response. */
  compactBytes(): Buffer {
    const length = Math.max(0, this.uvarint() - 1);
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  /** Each item takes at least one byte, so a hostile count cannot outgrow the response. */
  array<T>(item: () => T): T[] {
    return this.#items(this.uvarint() - 1, item);
  }

  /** An array of the older encoding: ApiVersions is asked for before anything is known of the broker. */
  plainArray<T>(item: () => T): T[] {
    return this.#items(this.i32(), item);
  }

  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.#take(this.uvarint());
    }
  }

  #items<T>(count: number, item: () => T): T[] {
    if (count > this.bytes.length - this.#at) throw this.#malformed(`a list of ${count} does not fit`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.bytes.length - start)
      throw this.#malformed(`${length} bytes wanted, ${this.bytes.length - start} left`);
    this.#at = start + length;
    return start;
  }

  #malformed(detail: string): Fault {
    return new Fault('MR-3023', {
      detail: `${this.#what}, byte ${this.#at}: ${detail}`,
      context: { offset: this.#at },
    });
  }
}
