import { type PackedRecords, RecordCursor } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import { crc32c } from '@node-rs/crc32';
import {
  at,
  batchFrame_bytes,
  batchHeader_bytes,
  currentMagic,
  millraceHeaderBytes,
  putVarint,
  varint_bytes,
} from './batch-format.js';
import type { BatchMemory } from './batch-memory.js';
import { type CompressionCodec, compressionNumbers } from './compression.js';

/** One record batch, ready for a Produce request. */
export interface EncodedBatch {
  readonly bytes: Buffer;
  readonly count: number;
  /** Gives the memory back: the batch is acknowledged. */
  release?(): void;
}

export interface EncoderOptions {
  /** Where a batch is cut, before compression. One larger record makes a batch of its own. */
  readonly target_bytes: number;
  /** What the topic takes at most (`max.message.bytes`). */
  readonly limit_bytes: number;
  readonly codec: CompressionCodec | undefined;
  /** Wall clock in the batch's header; topics of ours replace it by the broker's append time (R20). */
  readonly now: () => number;
  readonly memory: BatchMemory;
  /** Named in faults. */
  readonly topic: string;
}

/** Between a packed record and Kafka's: five varints, attributes, the name of our header, less the packed frame. */
const growthPerRecord_bytes = 24;
const packedFrame_bytes = 18;

/**
 * Turns packed records into record batches, bytes to bytes: no object per record. `next` hands out one batch after the other, each
 * in memory of its own, because a batch may have to be sent again as it is (R10).
 */
export class BatchEncoder {
  readonly #options: EncoderOptions;
  readonly #cursor: RecordCursor;
  #isPending: boolean;
  #out: Buffer = Buffer.alloc(0);
  #position = 0;
  #left_bytes: number;
  #left: number;

  constructor(records: PackedRecords, options: EncoderOptions) {
    this.#options = options;
    this.#cursor = new RecordCursor(records);
    this.#left_bytes = records.bytes.length;
    this.#left = records.count;
    this.#isPending = this.#cursor.next();
  }

  /** The next batch, undefined at the end. MR-3020 when a record is larger than the topic takes. */
  async next(): Promise<EncodedBatch | undefined> {
    if (!this.#isPending) return undefined;
    const count = this.#fill();
    const { codec, limit_bytes } = this.#options;
    const out = this.#out;
    let bytes = out.subarray(0, this.#position);
    let attributes = compressionNumbers.none;
    if (codec && codec.number !== compressionNumbers.none) {
      const body = await codec.compress(bytes.subarray(batchHeader_bytes));
      bytes = Buffer.concat([bytes.subarray(0, batchHeader_bytes), body]);
      attributes = codec.number;
    }
    if (bytes.length > limit_bytes) throw this.#tooLarge(bytes.length);
    this.#putHeader(bytes, count, attributes);
    return { bytes, count, release: () => this.#options.memory.give(out) };
  }

  /** Writes records up to the target and returns how many. */
  #fill(): number {
    const { target_bytes, memory } = this.#options;
    const estimate = batchHeader_bytes + this.#left_bytes + this.#left * growthPerRecord_bytes;
    this.#out = memory.take(Math.min(Math.max(target_bytes, batchHeader_bytes), estimate));
    this.#position = batchHeader_bytes;
    let count = 0;
    while (this.#isPending) {
      const size = this.#recordSize(count);
      const total = varint_bytes(size) + size;
      if (count > 0 && this.#position + total > target_bytes) break;
      this.#reserve(total);
      this.#putRecord(size, count);
      count++;
      this.#left--;
      this.#left_bytes -= this.#cursor.recordEnd - this.#cursor.recordStart;
      this.#isPending = this.#cursor.next();
    }
    return count;
  }

  #reserve(more_bytes: number): void {
    const needed = this.#position + more_bytes;
    if (needed <= this.#out.length) return;
    const grown = Buffer.allocUnsafeSlow(needed);
    this.#out.copy(grown, 0, 0, this.#position);
    this.#out = grown;
  }

  #headerStart(): number {
    return this.#cursor.recordStart + packedFrame_bytes;
  }

  /** A record's length as its first varint says it: without that varint. */
  #recordSize(offsetDelta: number): number {
    const { bytes, recordStart, keyLength, valueLength } = this.#cursor;
    const headerLength = bytes.readUInt16BE(recordStart + 4);
    const extrasLength = bytes.readUInt32BE(recordStart + 6);
    let size = 2 + varint_bytes(offsetDelta) + varint_bytes(keyLength) + varint_bytes(valueLength);
    if (keyLength > 0) size += keyLength;
    if (valueLength > 0) size += valueLength;
    size += varint_bytes(millraceHeaderBytes.length) + millraceHeaderBytes.length;
    size += varint_bytes(headerLength) + headerLength;
    if (extrasLength === 0) return size + 1;
    let headers = 1;
    this.#eachExtra((nameLength, valueBytes) => {
      headers++;
      size += varint_bytes(nameLength) + nameLength + varint_bytes(valueBytes) + valueBytes;
    });
    return size + varint_bytes(headers);
  }

  #putRecord(size: number, offsetDelta: number): void {
    const { bytes, recordStart, keyStart, keyLength, valueStart, valueLength } = this.#cursor;
    const out = this.#out;
    let position = putVarint(out, this.#position, size);
    out[position++] = 0;
    out[position++] = 0;
    position = putVarint(out, position, offsetDelta);
    position = putVarint(out, position, keyLength);
    if (keyLength > 0) position = copy(bytes, keyStart, keyLength, out, position);
    position = putVarint(out, position, valueLength);
    if (valueLength > 0) position = copy(bytes, valueStart, valueLength, out, position);
    const extras = bytes.readUInt32BE(recordStart + 6);
    position = putVarint(out, position, extras === 0 ? 1 : this.#countHeaders());
    position = putVarint(out, position, millraceHeaderBytes.length);
    position = copy(millraceHeaderBytes, 0, millraceHeaderBytes.length, out, position);
    const headerLength = bytes.readUInt16BE(recordStart + 4);
    position = putVarint(out, position, headerLength);
    position = copy(bytes, this.#headerStart(), headerLength, out, position);
    if (extras > 0)
      this.#eachExtra((nameLength, valueBytes, nameStart) => {
        position = putVarint(out, position, nameLength);
        position = copy(bytes, nameStart, nameLength, out, position);
        position = putVarint(out, position, valueBytes);
        position = copy(bytes, nameStart + nameLength + 4, valueBytes, out, position);
      });
    this.#position = position;
  }

  #countHeaders(): number {
    let headers = 1;
    this.#eachExtra(() => headers++);
    return headers;
  }

  /** Further named headers: (name length u8, name, value length u32, value)*. */
  #eachExtra(visit: (nameLength: number, value_bytes: number, nameStart: number) => void): void {
    const { bytes, recordStart } = this.#cursor;
    let position = this.#headerStart() + bytes.readUInt16BE(recordStart + 4);
    const end = position + bytes.readUInt32BE(recordStart + 6);
    while (position < end) {
      const nameLength = bytes.readUInt8(position);
      const value_bytes = bytes.readUInt32BE(position + 1 + nameLength);
      visit(nameLength, value_bytes, position + 1);
      position += 1 + nameLength + 4 + value_bytes;
    }
  }

  #putHeader(bytes: Buffer, count: number, attributes: number): void {
    putBatchHeader(bytes, count, attributes, this.#options.now());
  }

  #tooLarge(size: number): Fault {
    const { topic, limit_bytes } = this.#options;
    return new Fault('MR-3020', {
      detail: `a record of ${size} bytes does not fit topic ${topic}, whose max.message.bytes is ${limit_bytes}`,
      context: { topic, size, limit: limit_bytes },
    });
  }
}

/** Completes a batch whose records stand from byte 61 on. */
export function putBatchHeader(bytes: Buffer, count: number, attributes: number, now_ms: number): void {
  bytes.writeBigInt64BE(0n, 0);
  bytes.writeInt32BE(bytes.length - batchFrame_bytes, at.batchLength);
  bytes.writeInt32BE(-1, at.leaderEpoch);
  bytes[at.magic] = currentMagic;
  bytes.writeInt16BE(attributes, at.attributes);
  bytes.writeInt32BE(count - 1, at.lastOffsetDelta);
  bytes.writeBigInt64BE(BigInt(Math.trunc(now_ms)), at.baseTimestamp);
  bytes.writeBigInt64BE(BigInt(Math.trunc(now_ms)), at.maxTimestamp);
  // No producer id: idempotence is not what safety rests on.
  bytes.writeBigInt64BE(-1n, at.producerId);
  bytes.writeInt16BE(-1, at.producerEpoch);
  bytes.writeInt32BE(-1, at.baseSequence);
  bytes.writeInt32BE(count, at.count);
  bytes.writeUInt32BE(crc32c(bytes.subarray(at.attributes)), at.crc);
}

/** Calling into the native copy costs more than a loop over a few bytes. */
const loop_bytes_max = 32;

/** Copies `length` bytes and returns the position behind them. */
export function copy(from: Buffer, start: number, length: number, to: Buffer, position: number): number {
  if (length <= loop_bytes_max) for (let i = 0; i < length; i++) to[position + i] = from[start + i] as number;
  else from.copy(to, position, start, start + length);
  return position + length;
}

/** One record of a small topic of ours: marked, with any key and value. */
export function singleRecordBatch(
  key: Buffer | undefined,
  value: Uint8Array | undefined,
  now_ms: number,
): Buffer {
  const keyLength = key ? key.length : -1;
  const valueLength = value ? value.length : -1;
  const marker = millraceHeaderBytes.length;
  const size =
    2 +
    1 +
    varint_bytes(keyLength) +
    Math.max(0, keyLength) +
    varint_bytes(valueLength) +
    Math.max(0, valueLength) +
    1 +
    (1 + marker) +
    (1 + 1);
  const bytes = Buffer.allocUnsafeSlow(batchHeader_bytes + varint_bytes(size) + size);
  let position = putVarint(bytes, batchHeader_bytes, size);
  bytes[position++] = 0;
  bytes[position++] = 0;
  position = putVarint(bytes, position, 0);
  position = putVarint(bytes, position, keyLength);
  if (key) position += key.copy(bytes, position);
  position = putVarint(bytes, position, valueLength);
  if (value) {
    bytes.set(value, position);
    position += value.length;
  }
  position = putVarint(bytes, position, 1);
  position = putVarint(bytes, position, marker);
  position = copy(millraceHeaderBytes, 0, marker, bytes, position);
  position = putVarint(bytes, position, 1);
  bytes[position] = smallTopicVersion;
  putBatchHeader(bytes, 1, compressionNumbers.none, now_ms);
  return bytes;
}

/** What the marking header holds in the progress topic and the small tables. */
const smallTopicVersion = 1;
