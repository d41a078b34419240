import { semantic } from '../connect/connect-schema.js';
import { asBigint, asSafe, int64, isSafe, setFromBigint, setFromSafe } from '../wire/int64.js';
import { Refusal } from '../wire/refusal.js';
import type { WireReader } from '../wire/wire.js';
import {
  civil,
  dateText,
  day_us,
  endsInBc,
  isText,
  parseDate,
  parsed,
  parseTime,
  timeText,
} from './calendar.js';
import type { Coding } from './coding.js';
import { commonMicros, commonTimestampText } from './common-timestamp.js';

/** Debezium's codes of infinite timestamps (pgjdbc's PGStatement.DATE_POSITIVE_INFINITY in milliseconds), by unit. */
const infinity = { 1: 9_223_372_036_825_200_000n, 1000: 9_223_372_036_825_200n } as const;
const minusInfinity = { 1: -9_223_372_036_832_400_000n, 1000: -9_223_372_036_832_400n } as const;
/** Below this many days from 1970 microseconds are safe integers (year 2255 or so). */
const safeDays = Math.floor(Number.MAX_SAFE_INTEGER / day_us) - 1;
const safe_us = Number.MAX_SAFE_INTEGER;
/** 4714-11-24 BC and 294276-12-31, PostgreSQL's range. */
const first_days = -2_440_588;
const last_days = 106_762_939;
const space = 0x20;

const notATimestamp = (): Refusal => new Refusal('the text is not a timestamp in ISO form');

/** Parses `2024-01-02 03:04:05.6[ BC]` into `parsed`. */
export function parseTimestamp(bytes: Uint8Array, from: number, end: number, bc: boolean): void {
  parseDate(bytes, from, end, bc);
  const { days, end: separator } = parsed;
  if (bytes[separator] !== space || separator + 1 >= end) throw notATimestamp();
  parseTime(bytes, separator + 1, end);
  if (parsed.tod_us === day_us) throw notATimestamp();
  parsed.days = days;
}

/** Leaves the instant in units of `unit_us` in `int64`. */
function parseInto(bytes: Uint8Array, from: number, size: number, unit_us: 1 | 1000): void {
  const common_us = commonMicros(bytes, from, size);
  if (common_us > -safe_us && common_us < safe_us && (unit_us === 1 || common_us % unit_us === 0)) {
    setFromSafe(common_us / unit_us);
    return;
  }
  const first = bytes[from] as number;
  if (first > 0x39 || first < 0x30) {
    setFromBigint(infinityCode(bytes, from, size, unit_us));
    return;
  }
  const end = from + size;
  const bc = endsInBc(bytes, end);
  parseTimestamp(bytes, from, end, bc);
  if (parsed.end !== (bc ? end - 3 : end)) throw notATimestamp();
  const { days, tod_us } = parsed;
  if (tod_us % unit_us !== 0) throw new Refusal('the timestamp is finer than its type’s precision');
  if (days < safeDays && days > -safeDays) setFromSafe((days * day_us + tod_us) / unit_us);
  else setFromBigint(farInstant(days, tod_us, unit_us));
}

function farInstant(days: number, tod_us: number, unit_us: 1 | 1000): bigint {
  const value = (BigInt(days) * BigInt(day_us) + BigInt(tod_us)) / BigInt(unit_us);
  // At 294247-01-10 04:00:25.2 they meet Debezium's code of infinity, from where on microseconds leave int64.
  if (value === infinity[unit_us] || (unit_us === 1 && value > infinity[1]))
    throw new Refusal(
      unit_us === 1
        ? 'timestamps from 294247-01-10 04:00:25.2 on have no encoding of their own'
        : 'the timestamp 294247-01-10 04:00:25.2 is encoded as infinity is',
    );
  return value;
}

function infinityCode(bytes: Uint8Array, from: number, size: number, unit_us: 1 | 1000): bigint {
  if (isText(bytes, from, size, 'infinity')) return infinity[unit_us];
  if (isText(bytes, from, size, '-infinity')) return minusInfinity[unit_us];
  throw notATimestamp();
}

function timestampText(days: number, tod_us: number): string {
  const common = commonTimestampText(days, tod_us);
  if (common !== undefined) return common;
  const date = dateText(days);
  return civil.year > 0 ? `${date} ${timeText(tod_us)}` : `${date} ${timeText(tod_us)} BC`;
}

function read(reader: WireReader, unit_us: 1 | 1000): string {
  reader.long();
  const { high, low } = reader;
  if (isSafe(high)) {
    const units = asSafe(high, low);
    const unitsPerDay = day_us / unit_us;
    const days = Math.floor(units / unitsPerDay);
    if (days < first_days || days > last_days) throw reader.damaged('a timestamp is out of range');
    return timestampText(days, (units - days * unitsPerDay) * unit_us);
  }
  return farTimestamp(asBigint(high, low), unit_us, reader);
}

function farTimestamp(value: bigint, unit_us: 1 | 1000, reader: WireReader): string {
  // Events of older logs hold the code of microseconds whatever the unit.
  if (value === infinity[unit_us] || value === infinity[1]) return 'infinity';
  if (value === minusInfinity[unit_us] || value === minusInfinity[1]) return '-infinity';
  const unitsPerDay = BigInt(day_us / unit_us);
  const tod = ((value % unitsPerDay) + unitsPerDay) % unitsPerDay;
  const days = Number((value - tod) / unitsPerDay);
  if (days < first_days || days > last_days) throw reader.damaged('a timestamp is out of range');
  return timestampText(days, Number(tod) * unit_us);
}

const coding = (name: string, unit_us: 1 | 1000): Coding => ({
  schema: semantic('int64', name),
  writer: (wire) => (bytes, from, size, out) => {
    parseInto(bytes, from, size, unit_us);
    wire.long(int64.high, int64.low, out);
  },
  read: (reader) => read(reader, unit_us),
  placeholder: null,
  zero: '1970-01-01 00:00:00',
});

/** timestamp(0) … timestamp(3): milliseconds since the epoch, taken as UTC. */
export const timestampMillis = coding('io.debezium.time.Timestamp', 1000);
/** timestamp, timestamp(4) … timestamp(6): microseconds. */
export const timestampMicros = coding('io.debezium.time.MicroTimestamp', 1);
