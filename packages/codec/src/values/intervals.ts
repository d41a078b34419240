import { semantic } from '../connect/connect-schema.js';
import { asBigint, int64, setFromBigint } from '../wire/int64.js';
import { Refusal } from '../wire/refusal.js';
import { parsed, parseTime, timeText } from './calendar.js';
import type { Coding } from './coding.js';

const daysPerMonth = 30.4375;
const second_us = 1_000_000;
const day_us = 86_400 * second_us;
const hour_us = 3600 * second_us;

const intervalText =
  /^(?:([-+]?[0-9]+) years? ?)?(?:([-+]?[0-9]+) mons? ?)?(?:([-+]?[0-9]+) days? ?)?(?:([-+]?)([0-9]{2,}):([0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?))?$/;

/** Microseconds of an interval under Debezium's months of 30.4375 days, in its floating-point arithmetic. */
function microsOf(text: string): bigint {
  const match = intervalText.exec(text);
  if (!match || text === '') throw new Refusal('the text is not a finite interval in the postgres style');
  const [, years = '0', months = '0', days = '0', sign, hours = '0', rest] = match;
  let time_us = Number(hours) * hour_us;
  if (rest !== undefined) {
    const clock = Buffer.from(`00:${rest}`);
    parseTime(clock, 0, clock.length);
    time_us += parsed.tod_us;
  }
  if (sign === '-') time_us = -time_us;
  const allDays = (Number(years) * 12 + Number(months)) * daysPerMonth + Number(days);
  const total = BigInt(Math.trunc(allDays * day_us)) + BigInt(time_us);
  if (BigInt.asIntN(64, total) !== total) throw new Refusal('the interval exceeds 64 bits of microseconds');
  return total;
}

/** interval as `io.debezium.time.MicroDuration`: months and days become microseconds. */
export const microDuration: Coding = {
  schema: semantic('int64', 'io.debezium.time.MicroDuration'),
  writer: (wire) => (bytes, from, size, out) => {
    setFromBigint(microsOf(Buffer.from(bytes.buffer, bytes.byteOffset + from, size).toString('latin1')));
    wire.long(int64.high, int64.low, out);
  },
  read: (reader) => {
    reader.long();
    const value = asBigint(reader.high, reader.low);
    const magnitude = value < 0n ? -value : value;
    const hours = magnitude / BigInt(hour_us);
    const rest = timeText(Number(magnitude % BigInt(hour_us))).slice(2);
    return `${value < 0n ? '-' : ''}${String(hours).padStart(2, '0')}${rest}`;
  },
  placeholder: null,
  zero: '00:00:00',
  inexact: 'months and days become microseconds (a month counts 30.4375 days)',
};
