import { type Lsn, lsnOf } from '@millrace/model';
import { ByteWriter, Fault, putU16, putU32 } from '@millrace/runtime';
import { eventHeaderFixed_bytes, eventHeaderVersion } from './event-header.js';

/**
 * Records of one partition, packed end to end; the form in which events travel from capture to any log and back,
 * so that no object is made per event. Layout of one record, big endian:
 *
 *   size u32 (bytes after this field) · header u16 · extras u32 · key i32 (−1 none) · value i32 (−1 tombstone)
 *   · header bytes · extras bytes · key bytes · value bytes
 *
 * Extras are further named headers for outside consumers: (name length u8, name, value length u32, value)*.
 */
export interface PackedRecords {
  readonly bytes: Uint8Array;
  readonly count: number;
}

const frame_bytes = 18;
const none = -1;

/** What an event's header says, apart from which columns are absent. 64-bit fields as unsigned 32-bit halves. */
export interface EventStamp {
  flags: number;
  epoch: number;
  commitHigh: number;
  commitLow: number;
  ordinalHigh: number;
  ordinalLow: number;
  relationVersion: number;
}

/**
 * Packs records one by one: `begin`, key bytes into `out`, `beginValue`, value bytes into `out`, `end`.
 * Keeps its memory over `reset`.
 */
export class RecordPacker {
  readonly out: ByteWriter;
  #count = 0;
  #start = 0;
  #headerLength = 0;
  #keyStart = 0;
  #keyLength = 0;
  #valueStart = 0;

  constructor(initial_bytes = 64 * 1024) {
    this.out = new ByteWriter(initial_bytes);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.out.position;
  }

  /** Starts a record. `absent` is the bitmap of absent columns, empty when all are present. */
  begin(stamp: EventStamp, absent: Uint8Array): void {
    const { out } = this;
    this.#start = out.position;
    this.#headerLength = eventHeaderFixed_bytes + absent.length + 4;
    out.reserve(frame_bytes + this.#headerLength);
    let at = out.position + frame_bytes;
    const { buffer } = out;
    buffer[at] = eventHeaderVersion;
    buffer[at + 1] = stamp.flags;
    at = putU16(buffer, absent.length, at + 2);
    at = putU32(buffer, stamp.epoch, at);
    at = putU32(buffer, stamp.commitHigh, at);
    at = putU32(buffer, stamp.commitLow, at);
    at = putU32(buffer, stamp.ordinalHigh, at);
    at = putU32(buffer, stamp.ordinalLow, at);
    if (absent.length > 0) buffer.set(absent, at);
    at = putU32(buffer, stamp.relationVersion, at + absent.length);
    out.position = at;
    this.#keyStart = at;
    this.#keyLength = none;
  }

  /** Ends the key; what is written to `out` from here on is the value. `keyed` false: the record has no key. */
  beginValue(keyed: boolean): void {
    this.#keyLength = keyed ? this.out.position - this.#keyStart : none;
    this.#valueStart = this.out.position;
  }

  /** Ends the record. `tombstone` true: its value is null. */
  end(tombstone = false): void {
    const { out } = this;
    const { buffer } = out;
    const start = this.#start;
    putU32(buffer, out.position - start - 4, start);
    putU16(buffer, this.#headerLength, start + 4);
    putU32(buffer, 0, start + 6);
    putU32(buffer, this.#keyLength, start + 10);
    putU32(buffer, tombstone ? none : out.position - this.#valueStart, start + 14);
    this.#count++;
  }

  /** Forgets a record that was begun but cannot be finished. */
  rollback(): void {
    this.out.position = this.#start;
  }

  /** Appends records that were packed elsewhere. */
  adopt(records: PackedRecords): void {
    this.out.bytes(records.bytes);
    this.#count += records.count;
  }

  /** A view of the packed records, valid until the next write or reset. */
  records(): PackedRecords {
    return { bytes: this.out.view(), count: this.#count };
  }

  reset(): void {
    this.out.reset();
    this.#count = 0;
  }
}

/**
 * Walks packed records without making objects: `next()` moves to the following record and exposes its header fields and
 * the bounds of key and value inside `bytes`. Damaged framing throws MR-3012 with its offset, never reads beyond the end.
 */
export class RecordCursor {
  readonly bytes: Buffer;
  #at = 0;
  recordStart = 0;
  recordEnd = 0;
  flags = 0;
  epoch = 0;
  commitHigh = 0;
  commitLow = 0;
  ordinalHigh = 0;
  ordinalLow = 0;
  relationVersion = 0;
  absentStart = 0;
  absentLength = 0;
  keyStart = 0;
  /** −1: no key. */
  keyLength = none;
  valueStart = 0;
  /** −1: tombstone. */
  valueLength = none;

  constructor(records: PackedRecords | Uint8Array) {
    const bytes = records instanceof Uint8Array ? records : records.bytes;
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  next(): boolean {
    const { bytes } = this;
    const start = this.#at;
    if (start === bytes.length) return false;
    if (start + frame_bytes > bytes.length) throw this.#damaged('the frame is cut', start);
    const end = start + 4 + bytes.readUInt32BE(start);
    const headerLength = bytes.readUInt16BE(start + 4);
    const extrasLength = bytes.readUInt32BE(start + 6);
    this.keyLength = bytes.readInt32BE(start + 10);
    this.valueLength = bytes.readInt32BE(start + 14);
    const header = start + frame_bytes;
    this.keyStart = header + headerLength + extrasLength;
    this.valueStart = this.keyStart + Math.max(0, this.keyLength);
    if (end > bytes.length || this.valueStart + Math.max(0, this.valueLength) !== end)
      throw this.#damaged('lengths do not add up', start);
    this.#header(header, headerLength, start);
    this.recordStart = start;
    this.recordEnd = end;
    this.#at = end;
    return true;
  }

  #header(at: number, length: number, start: number): void {
    const { bytes } = this;
    if (length < eventHeaderFixed_bytes + 4) throw this.#damaged('the event header is too short', start);
    if (bytes[at] !== eventHeaderVersion) {
      throw new Fault('MR-3011', {
        detail: `event header version ${bytes[at]} is unknown (this Millrace reads ${eventHeaderVersion})`,
      });
    }
    this.flags = bytes[at + 1] as number;
    this.absentLength = bytes.readUInt16BE(at + 2);
    if (eventHeaderFixed_bytes + this.absentLength + 4 > length)
      throw this.#damaged('the bitmap of absent columns is cut', start);
    this.epoch = bytes.readUInt32BE(at + 4);
    this.commitHigh = bytes.readUInt32BE(at + 8);
    this.commitLow = bytes.readUInt32BE(at + 12);
    this.ordinalHigh = bytes.readUInt32BE(at + 16);
    this.ordinalLow = bytes.readUInt32BE(at + 20);
    this.absentStart = at + eventHeaderFixed_bytes;
    this.relationVersion = bytes.readUInt32BE(this.absentStart + this.absentLength);
  }

  get commit(): Lsn {
    return lsnOf(this.commitHigh, this.commitLow);
  }

  get ordinal(): bigint {
    return (BigInt(this.ordinalHigh) << 32n) | BigInt(this.ordinalLow);
  }

  /** Key bytes as a view, or undefined. */
  key(): Buffer | undefined {
    return this.keyLength < 0
      ? undefined
      : this.bytes.subarray(this.keyStart, this.keyStart + this.keyLength);
  }

  /** Value bytes as a view, or undefined for a tombstone. */
  value(): Buffer | undefined {
    return this.valueLength < 0
      ? undefined
      : this.bytes.subarray(this.valueStart, this.valueStart + this.valueLength);
  }

  isAbsent(column: number): boolean {
    const byte = column >> 3;
    return (
      byte < this.absentLength &&
      ((this.bytes[this.absentStart + byte] as number) & (1 << (column & 7))) !== 0
    );
  }

  #damaged(what: string, offset: number): Fault {
    return new Fault('MR-3012', {
      detail: `event record at byte ${offset} of its batch: ${what}`,
      context: { offset },
    });
  }
}
