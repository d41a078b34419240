import { ByteWriter, Fault } from '@millrace/runtime';
import type { BatchCursor } from './batch-cursor.js';
import { copy } from './batch-encoder.js';

const frame_bytes = 18;
const none = -1;
const nameLength_max = 0xff;
const headerLength_max = 0xffff;

/** Gathers records of ours in the packed form that the port hands out (see packed-records.ts of the log package). Keeps its memory over `reset`. */
export class PackedOutput {
  readonly out: ByteWriter;
  count = 0;

  constructor(initial_bytes: number) {
    this.out = new ByteWriter(initial_bytes);
  }

  get bytes(): number {
    return this.out.position;
  }

  /** What the cursor's present record, one of ours, takes at most. */
  sizeOf(record: BatchCursor): number {
    return frame_bytes + upperBound(record);
  }

  append(record: BatchCursor): void {
    const { out } = this;
    if (record.headerLength > headerLength_max)
      throw new Fault('MR-3012', {
        detail: `the event header at offset ${record.offset} has ${record.headerLength} bytes`,
      });
    out.reserve(frame_bytes + upperBound(record));
    const { buffer, position: start } = out;
    let position = copy(record.bytes, record.headerStart, record.headerLength, buffer, start + frame_bytes);
    const extrasStart = position;
    if (record.headers > 1) position = this.#extras(record, position);
    const extras_bytes = position - extrasStart;
    if (record.keyLength > 0)
      position = copy(record.bytes, record.keyStart, record.keyLength, buffer, position);
    if (record.valueLength > 0)
      position = copy(record.bytes, record.valueStart, record.valueLength, buffer, position);
    buffer.writeUInt32BE(position - start - 4, start);
    buffer.writeUInt16BE(record.headerLength, start + 4);
    buffer.writeUInt32BE(extras_bytes, start + 6);
    buffer.writeInt32BE(record.keyLength < 0 ? none : record.keyLength, start + 10);
    buffer.writeInt32BE(record.valueLength < 0 ? none : record.valueLength, start + 14);
    out.position = position;
    this.count++;
  }

  #extras(record: BatchCursor, from: number): number {
    const { buffer } = this.out;
    let position = from;
    record.eachExtra((nameStart, nameLength, valueStart, valueLength) => {
      // Ours are shorter; a longer one was added by somebody on the way.
      if (nameLength > nameLength_max) return;
      buffer[position++] = nameLength;
      position = copy(record.bytes, nameStart, nameLength, buffer, position);
      position = buffer.writeUInt32BE(valueLength, position);
      position = copy(record.bytes, valueStart, valueLength, buffer, position);
    });
    return position;
  }

  reset(): void {
    this.out.reset();
    this.count = 0;
  }
}

/** Packed form less its frame: each extra's two lengths take five bytes there and at least two in Kafka's form. */
const upperBound = (record: BatchCursor): number =>
  Math.max(0, record.keyLength) +
  Math.max(0, record.valueLength) +
  record.headerLength +
  (record.headers > 1 ? record.headersLength + (record.headers - 1) * 3 : 0);

const output_bytes = 16 * 1024;
const kept_bytes_max = 2 * 1024 * 1024;
const kept_max = 8;

/** Outputs of ranges that are read, for the next ones. */
export class PackedOutputs {
  readonly #free: PackedOutput[] = [];

  take(): PackedOutput {
    return this.#free.pop() ?? new PackedOutput(output_bytes);
  }

  give(output: PackedOutput): void {
    output.reset();
    if (this.#free.length < kept_max && output.out.buffer.length <= kept_bytes_max) this.#free.push(output);
  }
}
