import { ByteWriter } from '@millrace/runtime';

/**
 * Writes a request's body as Kafka's protocol has it, flexible versions (compact lengths, tagged fields). Large payloads are
 * spliced in by reference: `parts` hands everything to the socket without copying them together.
 */
export class ProtocolWriter {
  readonly #out = new ByteWriter(256);
  readonly #done: Buffer[] = [];
  #from = 0;
  #spliced_bytes = 0;

  i8(value: number): void {
    this.#out.u8(value & 0xff);
  }

  boolean(value: boolean): void {
    this.#out.u8(value ? 1 : 0);
  }

  i16(value: number): void {
    this.#out.u16(value & 0xffff);
  }

  i32(value: number): void {
    this.#out.u32(value >>> 0);
  }

  i64(value: bigint): void {
    this.#out.u64(BigInt.asUintN(64, value));
  }

  /** Unsigned LEB128, below 2^31. */
  uvarint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#out.u8((rest & 0x7f) | 0x80);
    this.#out.u8(rest);
  }

  compactString(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.uvarint(bytes.length + 1);
    this.#out.bytes(bytes);
  }

  compactNullableString(text: string | undefined): void {
    if (text === undefined) this.uvarint(0);
    else this.compactString(text);
  }

  /** STRING of the older encoding, as the request header's client id still is. */
  nullableString(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.i16(bytes.length);
    this.#out.bytes(bytes);
  }

  uuid(bytes: Uint8Array): void {
    this.#out.bytes(bytes);
  }

  array<T>(items: readonly T[], item: (value: T) => void): void {
    this.uvarint(items.length + 1);
    for (const value of items) item(value);
  }

  nullArray(): void {
    this.uvarint(0);
  }

  /** No tagged fields. */
  tags(): void {
    this.uvarint(0);
  }

  /** COMPACT_BYTES by reference: `bytes` must not change until the request was answered. */
  splice(bytes: Buffer): void {
    this.uvarint(bytes.length + 1);
    this.#cut();
    this.#done.push(bytes);
    this.#spliced_bytes += bytes.length;
  }

  get size_bytes(): number {
    return this.#out.position + this.#spliced_bytes;
  }

  parts(): readonly Buffer[] {
    this.#cut();
    return this.#done;
  }

  /** What was written since the last cut. The writer's buffer may be replaced while it grows, so pieces are copied: they are small. */
  #cut(): void {
    if (this.#from === this.#out.position) return;
    this.#done.push(Buffer.from(this.#out.view().subarray(this.#from)));
    this.#from = this.#out.position;
  }
}
