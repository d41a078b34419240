import { Fault } from '@millrace/runtime';

/**
 * Takes one message of the server: its type byte, and its body at `bytes[start … end)`, valid during the call only.
 * A promise stops the framer until it has settled and `proceed` is called.
 */
export type MessageHandler = (
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
) => Promise<void> | undefined;

const header_bytes = 5;
/** The server's own limit for one message is 1 GiB − 1 (MaxAllocSize), its header aside. */
const message_bytes_max = 0x4000_0000;
/** Memory for a message that came in pieces is kept for the next one up to this size. */
const keptAssembly_bytes_max = 1 << 20;

/**
 * Cuts the server's byte stream into messages (protocol 3: type u8, length i32 that counts itself, body) without
 * copying: only a message that spans two reads is assembled. Source: PostgreSQL documentation 54.7.
 */
export class MessageFramer {
  readonly #handle: MessageHandler;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  #assembly: Buffer = Buffer.allocUnsafeSlow(4096);
  #assembled = 0;
  /** Bytes of the stream before the present chunk, for messages. */
  #before = 0;

  constructor(handle: MessageHandler) {
    this.#handle = handle;
  }

  /** Takes the next read. Only after the previous one was finished. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    this.#before += this.#chunk.length;
    this.#chunk = chunk;
    this.#at = 0;
    return this.proceed();
  }

  /** Goes on in the present chunk; returns a promise when a handler asked to wait, undefined at the chunk's end. */
  proceed(): Promise<void> | undefined {
    if (this.#assembled > 0) {
      const wait = this.#finishAssembly();
      if (wait || this.#assembled > 0) return wait;
    }
    const chunk = this.#chunk;
    const size = chunk.length;
    let at = this.#at;
    while (size - at >= header_bytes) {
      const length = this.#bodyLength(chunk, at);
      const end = at + header_bytes + length;
      if (end > size) break;
      const wait = this.#handle(chunk[at] as number, chunk, at + header_bytes, end);
      at = end;
      if (wait) {
        this.#at = at;
        return wait;
      }
    }
    this.#at = size;
    if (at < size) this.#assemble(chunk, at, size);
    return undefined;
  }

  #bodyLength(bytes: Uint8Array, at: number): number {
    const length =
      ((bytes[at + 1] as number) << 24) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 8) |
      (bytes[at + 4] as number);
    if (length < 4 || length > message_bytes_max) {
      throw new Fault('MR-2011', {
        detail: `a message of type ${describeByte(bytes[at] as number)} at byte ${this.#before + this.#at} of the connection says it is ${length} bytes long`,
      });
    }
    return length - 4;
  }

  #assemble(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.#assembled + (to - from);
    if (needed > this.#assembly.length) {
      // Doubling, not the length that the header claims: a false length must not allocate memory (promise 7).
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#assembly.length * 2));
      this.#assembly.copy(grown, 0, 0, this.#assembled);
      this.#assembly = grown;
    }
    this.#assembly.set(chunk.subarray(from, to), this.#assembled);
    this.#assembled = needed;
  }

  #finishAssembly(): Promise<void> | undefined {
    if (!this.#fillTo(header_bytes)) return undefined;
    const end = header_bytes + this.#bodyLength(this.#assembly, 0);
    if (!this.#fillTo(end)) return undefined;
    const message = this.#assembly;
    this.#assembled = 0;
    if (message.length > keptAssembly_bytes_max) this.#assembly = Buffer.allocUnsafeSlow(4096);
    return this.#handle(message[0] as number, message, header_bytes, end);
  }

  #fillTo(length: number): boolean {
    const missing = length - this.#assembled;
    if (missing > 0) {
      const taken = Math.min(missing, this.#chunk.length - this.#at);
      this.#assemble(this.#chunk, this.#at, this.#at + taken);
      this.#at += taken;
    }
    return this.#assembled >= length;
  }
}

/** `'B'`, or `0x07` for what is not a printable character. */
export function describeByte(byte: number): string {
  return byte > 32 && byte < 127
    ? `'${String.fromCharCode(byte)}'`
    : `0x${byte.toString(16).padStart(2, '0')}`;
}
