import { copyText } from './utf8.js';
import { varint_bytes_max, writeInt, writeLong } from './varint.js';
import type { WireWriter } from './wire.js';

/** Avro binary encoding (Avro specification 1.11, "Binary Encoding"). Optional is the union ["null", T]. */
export const avroWriter: WireWriter = {
  boolean(value, out) {
    out.reserve(1);
    out.buffer[out.position++] = value ? 1 : 0;
  },
  int(value, out) {
    out.reserve(varint_bytes_max);
    out.position = writeInt(out.buffer, value, out.position);
  },
  long(high, low, out) {
    out.reserve(varint_bytes_max);
    out.position = writeLong(out.buffer, high, low, out.position);
  },
  float(value, out) {
    out.reserve(4);
    out.position = out.buffer.writeFloatLE(value, out.position);
  },
  double(value, out) {
    out.reserve(8);
    out.position = out.buffer.writeDoubleLE(value, out.position);
  },
  bytes(source, from, size, out) {
    out.reserve(size + varint_bytes_max);
    const at = writeInt(out.buffer, size, out.position);
    out.buffer.set(source.subarray(from, from + size), at);
    out.position = at + size;
  },
  text(source, from, size, out) {
    out.reserve(size + varint_bytes_max);
    const at = writeInt(out.buffer, size, out.position);
    copyText(source, from, size, out.buffer, at);
    out.position = at + size;
  },
  none(out) {
    out.reserve(1);
    out.buffer[out.position++] = 0;
  },
  some(out) {
    out.reserve(1);
    out.buffer[out.position++] = 2;
  },
  beginArray(count, out) {
    // A block of no items would be the end mark, which endArray writes.
    if (count > 0) this.int(count, out);
  },
  item() {},
  endArray(_count, out) {
    this.none(out);
  },
  beginStruct() {},
  fieldMark: () => new Uint8Array(0),
  field() {},
  endStruct() {},
};
