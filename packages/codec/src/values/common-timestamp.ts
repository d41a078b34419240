import { asSliceBuffer } from '../wire/slices.js';
import { civil, civilOf, day_us, daysOf, daysOfMonth } from './calendar.js';

/**
 * Timestamps of years 1000 to 9999, nearly all there are, by fixed offsets: `2024-01-02 03:04:05[.ffffff]`. What does not
 * fit is left to the general code. Rows of one stream share their dates, so the last date is remembered.
 */

const dash = 0x2d;
const space = 0x20;
const colon = 0x3a;
const dot = 0x2e;
const zero = 0x30;
const plus = 0x2b;
const letterT = 0x54;
const letterZ = 0x5a;
const utcOffset_bytes = 3;
const whole_bytes = 19;
const longest_bytes = 26;

let lastDate = -1;
let lastDate_us = 0;

/** Microseconds since 1970, or NaN when the text is of another form, or wrong. */
export function commonMicros(bytes: Uint8Array, from: number, size: number): number {
  if (size < whole_bytes || size > longest_bytes || bytes[from] === zero || !hasSeparators(bytes, from))
    return Number.NaN;
  const date = date_us(bytes, from);
  const hour = pair(bytes, from + 11);
  const minute = pair(bytes, from + 14);
  const second = pair(bytes, from + 17);
  if ((hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const fraction = size === whole_bytes ? 0 : fraction_us(bytes, from + whole_bytes, from + size);
  return date + (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction;
}

function hasSeparators(bytes: Uint8Array, from: number): boolean {
  return (
    bytes[from + 4] === dash &&
    bytes[from + 7] === dash &&
    bytes[from + 10] === space &&
    bytes[from + 13] === colon &&
    bytes[from + 16] === colon
  );
}

/** Two digits, negative when one is none. */
function pair(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] as number) - zero;
  const low = (bytes[at + 1] as number) - zero;
  return (high | (9 - high) | low | (9 - low)) < 0 ? -1 : high * 10 + low;
}

function date_us(bytes: Uint8Array, from: number): number {
  const century = pair(bytes, from);
  const year = pair(bytes, from + 2);
  const month = pair(bytes, from + 5);
  const day = pair(bytes, from + 8);
  if ((century | year | month | day) < 0) return Number.NaN;
  const date = (century * 100 + year) * 10_000 + month * 100 + day;
  if (date !== lastDate) {
    if (day === 0 || day > daysOfMonth(century * 100 + year, month)) return Number.NaN;
    lastDate = date;
    lastDate_us = daysOf(century * 100 + year, month, day) * day_us;
  }
  return lastDate_us;
}

/** `.f` to `.ffffff`, without trailing zeros. */
function fraction_us(bytes: Uint8Array, from: number, end: number): number {
  if (bytes[from] !== dot || bytes[end - 1] === zero || end - from < 2) return Number.NaN;
  let value = 0;
  for (let at = from + 1; at < end; at++) {
    const digit = (bytes[at] as number) - zero;
    if ((digit | (9 - digit)) < 0) return Number.NaN;
    value = value * 10 + digit;
  }
  for (let digits = end - from - 1; digits < 6; digits++) value *= 10;
  return value;
}

/**
 * Writes the ISO form of `2024-01-02 03:04:05[.ffffff]+00` at the start of `target`, the fraction padded to `precision` digits.
 * Returns its length, 0 when the text is of another form, or wrong.
 */
export function writeCommonIso(
  bytes: Uint8Array,
  from: number,
  size: number,
  precision: number,
  target: Uint8Array,
): number {
  const plain = size - utcOffset_bytes;
  const zone = from + plain;
  const digits = Math.max(0, plain - whole_bytes - 1);
  if (Number.isNaN(commonMicros(bytes, from, plain)) || digits > precision) return 0;
  if (bytes[zone] !== plus || bytes[zone + 1] !== zero || bytes[zone + 2] !== zero) return 0;
  for (let i = 0; i < plain; i++) target[i] = bytes[from + i] as number;
  target[10] = letterT;
  let at = plain;
  if (digits === 0 && precision > 0) target[at++] = dot;
  for (let i = digits; i < precision; i++) target[at++] = zero;
  target[at++] = letterZ;
  return at;
}

const text = asSliceBuffer(Buffer.from('0000-00-00 00:00:00.000000'));
let textDays = Number.NaN;

function putPair(value: number, at: number): void {
  const tens = (value / 10) | 0;
  text[at] = zero + tens;
  text[at + 1] = zero + value - tens * 10;
}

/** Text of a timestamp in years 1000 to 9999; undefined for others. */
export function commonTimestampText(days: number, tod_us: number): string | undefined {
  if (days !== textDays) {
    civilOf(days);
    if (civil.year < 1000 || civil.year > 9999) return undefined;
    const century = (civil.year / 100) | 0;
    putPair(century, 0);
    putPair(civil.year - century * 100, 2);
    putPair(civil.month, 5);
    putPair(civil.day, 8);
    textDays = days;
  }
  const seconds = Math.floor(tod_us / 1_000_000);
  const minutes = (seconds / 60) | 0;
  const hours = (minutes / 60) | 0;
  putPair(hours, 11);
  putPair(minutes - hours * 60, 14);
  putPair(seconds - minutes * 60, 17);
  const fraction = tod_us - seconds * 1_000_000;
  return text.latin1Slice(0, fraction === 0 ? whole_bytes : putFraction(fraction));
}

/** Writes the fraction's digits; returns where they end, trailing zeros left out. */
function putFraction(fraction: number): number {
  const tenThousands = (fraction / 10_000) | 0;
  const rest = fraction - tenThousands * 10_000;
  const hundreds = (rest / 100) | 0;
  putPair(tenThousands, 20);
  putPair(hundreds, 22);
  putPair(rest - hundreds * 100, 24);
  let end = longest_bytes;
  while (text[end - 1] === zero) end--;
  return end;
}
