import { Fault } from '@millrace/runtime';
import { crc32c } from '@node-rs/crc32';
import {
  at,
  attributeBits,
  batchFrame_bytes,
  batchHeader_bytes,
  currentMagic,
  millraceHeaderBytes,
} from './batch-format.js';
import { compressionCodec, compressionNamed } from './compression.js';

const none = -1;

/**
 * Walks what a Fetch returned: `openBatch` moves to the next whole batch, `next` to its next record, whose parts are bounds inside
 * `bytes`. No object per record. Malformed bytes are MR-3012 with partition, offset and byte; nothing is read beyond the end.
 */
export class BatchCursor {
  readonly #fetched: Buffer;
  readonly #what: string;
  /** Byte of the next batch in what was fetched. */
  #nextBatch = 0;
  /** The present batch's records, decompressed. */
  bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #left = 0;
  baseOffset = 0n;
  /** First offset behind the present batch: also behind what compaction took from its end (R19). */
  endOffset = 0n;
  #lastDelta = 0;
  /** Relative to `baseOffset`. */
  offsetDelta = 0;
  keyStart = 0;
  keyLength = none;
  valueStart = 0;
  valueLength = none;
  /** Bounds of our header's value; −1: the record is not one of ours. */
  headerStart = 0;
  headerLength = none;
  /** All headers of the record, count included. */
  headersStart = 0;
  headersLength = 0;
  headers = 0;

  /** `what` names the partition in faults. `from`: byte of a batch's begin, to read on where another cursor stood. */
  constructor(fetched: Buffer, what: string, from = 0) {
    this.#fetched = fetched;
    this.#what = what;
    this.#nextBatch = from;
  }

  /** Byte of the next batch: where to read on with another cursor. */
  get nextBatch_byte(): number {
    return this.#nextBatch;
  }

  /** The offset the next batch ends at, without opening it; undefined when no whole batch follows. */
  peekEnd(): bigint | undefined {
    if (!this.#isWhole()) return undefined;
    const start = this.#nextBatch;
    return (
      this.#fetched.readBigInt64BE(start) + BigInt(this.#fetched.readInt32BE(start + at.lastOffsetDelta)) + 1n
    );
  }

  /** Whether the next whole batch is as its writer made it. MR-3012 for a message format that this cursor does not read. */
  hasGoodChecksum(): boolean {
    const start = this.#nextBatch;
    const fetched = this.#fetched;
    this.baseOffset = fetched.readBigInt64BE(start);
    const end = start + batchFrame_bytes + fetched.readInt32BE(start + at.batchLength);
    if (fetched[start + at.magic] !== currentMagic)
      throw this.#corrupt(`message format ${fetched[start + at.magic]}`, start);
    return crc32c(fetched.subarray(start + at.attributes, end)) === fetched.readUInt32BE(start + at.crc);
  }

  skipBatch(): void {
    this.#nextBatch += batchFrame_bytes + this.#fetched.readInt32BE(this.#nextBatch + at.batchLength);
  }

  /**
   * False: no whole batch is left. Control batches (transaction markers) open empty. Checksums are compared once, when the bytes arrive
   * (`hasGoodChecksum`), however often they are read.
   */
  async openBatch(): Promise<boolean> {
    if (!this.#isWhole()) return false;
    const start = this.#nextBatch;
    const fetched = this.#fetched;
    const length = fetched.readInt32BE(start + at.batchLength);
    const end = start + batchFrame_bytes + length;
    this.baseOffset = fetched.readBigInt64BE(start);
    const attributes = fetched.readInt16BE(start + at.attributes);
    this.#lastDelta = fetched.readInt32BE(start + at.lastOffsetDelta);
    if (this.#lastDelta < 0) throw this.#corrupt('it ends before it begins', start);
    this.endOffset = this.baseOffset + BigInt(this.#lastDelta) + 1n;
    this.#nextBatch = end;
    this.#at = 0;
    this.#left = (attributes & attributeBits.control) === 0 ? fetched.readInt32BE(start + at.count) : 0;
    const body = fetched.subarray(start + batchHeader_bytes, end);
    this.bytes = this.#left > 0 ? await this.#decompressed(body, attributes, start) : body;
    return true;
  }

  async #decompressed(body: Buffer, attributes: number, start: number): Promise<Buffer> {
    const number = attributes & attributeBits.compression;
    if (number === 0) return body;
    const compression = compressionNamed(number);
    if (!compression) throw this.#corrupt(`compression ${number} is unknown`, start);
    const codec = await compressionCodec(compression);
    try {
      return await codec.decompress(body);
    } catch (cause) {
      throw this.#corrupt(`it cannot be decompressed (${compression})`, start, cause);
    }
  }

  /** Moves to the next record of the open batch. */
  next(): boolean {
    if (this.#left <= 0) return false;
    this.#left--;
    const start = this.#at;
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.bytes.length)
      throw this.#corruptRecord('its length goes beyond the batch', start);
    this.#at++;
    this.#skipVarlong();
    this.offsetDelta = this.#varint();
    if (this.offsetDelta < 0 || this.offsetDelta > this.#lastDelta)
      throw this.#corruptRecord('its offset is outside of its batch', start);
    this.keyLength = this.#varint();
    this.keyStart = this.#at;
    this.#skip(this.keyLength, end);
    this.valueLength = this.#varint();
    this.valueStart = this.#at;
    this.#skip(this.valueLength, end);
    this.headers = this.#varint();
    this.headersStart = this.#at;
    this.#findHeader(end);
    if (this.#at !== end) throw this.#corruptRecord('its parts do not add up to its length', start);
    this.headersLength = end - this.headersStart;
    return true;
  }

  get offset(): bigint {
    return this.baseOffset + BigInt(this.offsetDelta);
  }

  /** Visits every header of the present record but ours. */
  eachExtra(
    visit: (nameStart: number, nameLength: number, valueStart: number, valueLength: number) => void,
  ): void {
    const { bytes } = this;
    const resume = this.#at;
    this.#at = this.headersStart;
    for (let i = 0; i < this.headers; i++) {
      const nameLength = this.#varint();
      const nameStart = this.#at;
      this.#skip(nameLength, bytes.length);
      const valueLength = this.#varint();
      const valueStart = this.#at;
      this.#skip(valueLength, bytes.length);
      if (valueStart !== this.headerStart) visit(nameStart, nameLength, valueStart, Math.max(0, valueLength));
    }
    this.#at = resume;
  }

  /** Passes over the record's headers and finds ours among them. */
  #findHeader(end: number): void {
    this.headerLength = none;
    this.headerStart = none;
    if (this.headers < 0 || this.headers > end - this.#at)
      throw this.#corruptRecord('its headers do not fit', this.#at);
    for (let i = 0; i < this.headers; i++) {
      const nameLength = this.#varint();
      const nameStart = this.#at;
      this.#skip(nameLength, end);
      const valueLength = this.#varint();
      const valueStart = this.#at;
      this.#skip(valueLength, end);
      if (valueLength >= 0 && this.headerLength === none && this.#isOurs(nameStart, nameLength)) {
        this.headerStart = valueStart;
        this.headerLength = valueLength;
      }
    }
  }

  #isOurs(start: number, length: number): boolean {
    if (length !== millraceHeaderBytes.length) return false;
    for (let i = 0; i < length; i++) if (this.bytes[start + i] !== millraceHeaderBytes[i]) return false;
    return true;
  }

  /** Whether a batch begins at `#nextBatch` and ends within what was fetched: brokers cut the last one at the byte limit. */
  #isWhole(): boolean {
    const start = this.#nextBatch;
    const left = this.#fetched.length - start;
    if (left < batchHeader_bytes) return false;
    const length = this.#fetched.readInt32BE(start + at.batchLength);
    if (length < batchHeader_bytes - batchFrame_bytes) throw this.#corrupt(`its length is ${length}`, start);
    return batchFrame_bytes + length <= left;
  }

  #skip(length: number, end: number): void {
    if (length <= 0) return;
    this.#at += length;
    if (this.#at > end) throw this.#corruptRecord('a part goes beyond its end', this.#at);
  }

  #varint(): number {
    const { bytes } = this;
    let byte = bytes[this.#at++];
    if (byte === undefined) throw this.#corruptRecord('it is cut', this.#at - 1);
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    for (let shift = 7; shift <= 28; shift += 7) {
      byte = bytes[this.#at++];
      if (byte === undefined) throw this.#corruptRecord('it is cut', this.#at - 1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw this.#corruptRecord('a number of more than five bytes', this.#at);
  }

  #skipVarlong(): void {
    const { bytes } = this;
    for (let i = 0; i < 10; i++) {
      const byte = bytes[this.#at++];
      if (byte === undefined) break;
      if (byte < 0x80) return;
    }
    throw this.#corruptRecord('a number of more than ten bytes', this.#at);
  }

  #corruptRecord(detail: string, byte: number): Fault {
    return new Fault('MR-3012', {
      detail: `${this.#what}, a record near offset ${this.offset}, byte ${byte} of its batch: ${detail}`,
      context: { offset: this.offset, byte },
    });
  }

  #corrupt(detail: string, byte: number, cause?: unknown): Fault {
    return new Fault('MR-3012', {
      detail: `${this.#what}, the batch at offset ${this.baseOffset} (byte ${byte} of what was fetched): ${detail}`,
      context: { offset: this.baseOffset, byte },
      ...(cause !== undefined && { cause }),
    });
  }
}
