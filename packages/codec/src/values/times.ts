import { semantic } from '../connect/connect-schema.js';
import { asSafe, int64, isSafe, setFromSafe } from '../wire/int64.js';
import { Refusal } from '../wire/refusal.js';
import { day_us, parsed, parseTime, timeText } from './calendar.js';
import type { Coding } from './coding.js';

function parse(bytes: Uint8Array, from: number, size: number): number {
  parseTime(bytes, from, from + size);
  if (parsed.end !== from + size) throw new Refusal('the text is not a time in ISO form');
  return parsed.tod_us;
}

/** time(0) … time(3): milliseconds of the day as INT32 (`io.debezium.time.Time`). */
export const timeMillis: Coding = {
  schema: semantic('int32', 'io.debezium.time.Time'),
  writer: (wire) => (bytes, from, size, out) => {
    const tod_us = parse(bytes, from, size);
    if (tod_us % 1000 !== 0) throw new Refusal('the time is finer than its type’s precision');
    wire.int(tod_us / 1000, out);
  },
  read: (reader) => {
    const tod_us = reader.int() * 1000;
    if (tod_us < 0 || tod_us > day_us) throw reader.damaged('a time is out of range');
    return timeText(tod_us);
  },
  placeholder: null,
  zero: '00:00:00',
};

/** time, time(4) … time(6): microseconds of the day as INT64 (`io.debezium.time.MicroTime`). */
export const timeMicros: Coding = {
  schema: semantic('int64', 'io.debezium.time.MicroTime'),
  writer: (wire) => (bytes, from, size, out) => {
    setFromSafe(parse(bytes, from, size));
    wire.long(int64.high, int64.low, out);
  },
  read: (reader) => {
    reader.long();
    const tod_us = isSafe(reader.high) ? asSafe(reader.high, reader.low) : -1;
    if (tod_us < 0 || tod_us > day_us) throw reader.damaged('a time is out of range');
    return timeText(tod_us);
  },
  placeholder: null,
  zero: '00:00:00',
};
