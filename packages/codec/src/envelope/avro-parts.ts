import type { ByteWriter } from '@millrace/runtime';
import { avroWriter } from '../wire/avro-writer.js';
import { int64, setFromBigint, setFromBillions, setFromSafe } from '../wire/int64.js';
import { varint_bytes_max } from '../wire/varint.js';
import { timesOf } from './source-facts.js';

export function putText(text: string, out: ByteWriter): void {
  out.reserve(3 * text.length + varint_bytes_max);
  const size = Buffer.byteLength(text, 'utf8');
  avroWriter.int(size, out);
  out.position += out.buffer.write(text, out.position, 'utf8');
}

function putLong(value: bigint, out: ByteWriter): void {
  setFromBigint(value);
  avroWriter.long(int64.high, int64.low, out);
}

/** Beyond the year 2255, and before 1970, instants take the way over bigint. */
const isFast = (micros: number): boolean => micros >= 0 && micros < Number.MAX_SAFE_INTEGER;

/** An instant's milliseconds since the epoch, as a long. */
export function putInstantMillis(instant_us: bigint, out: ByteWriter): void {
  const micros = Number(instant_us);
  if (!isFast(micros)) {
    putLong(timesOf(instant_us).ms, out);
    return;
  }
  setFromSafe(Math.floor(micros / 1000));
  avroWriter.long(int64.high, int64.low, out);
}

/** Microseconds. */
export function putInstantMicros(instant_us: bigint, out: ByteWriter): void {
  const micros = Number(instant_us);
  if (!isFast(micros)) {
    putLong(instant_us, out);
    return;
  }
  setFromSafe(micros);
  avroWriter.long(int64.high, int64.low, out);
}

/** Nanoseconds; from the year 2262 on they leave int64 and wrap around (information only: followers do not read them). */
export function putInstantNanos(instant_us: bigint, out: ByteWriter): void {
  const micros = Number(instant_us);
  if (!isFast(micros)) {
    putLong(timesOf(instant_us).ns, out);
    return;
  }
  const seconds = Math.floor(micros / 1_000_000);
  setFromBillions(seconds, (micros - seconds * 1_000_000) * 1000, false);
  avroWriter.long(int64.high, int64.low, out);
}
