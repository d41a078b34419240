import { Refusal } from '../wire/refusal.js';
import { digitsAt, twoDigits } from './digits.js';

/**
 * Days and dates in the proleptic Gregorian calendar, as PostgreSQL prints them (DateStyle ISO): `2024-02-29`,
 * `0044-03-15 BC`, `294276-12-31`. Results of parsing stand in `parsed`, one object reused (everything is synchronous).
 */
export const parsed = { days: 0, tod_us: 0, end: 0 };

const dash = 0x2d;
const space = 0x20;
const colon = 0x3a;
const dot = 0x2e;
const zero = 0x30;
const yearDigits_max = 7;
const daysPerEra = 146_097;
const epochDay = 719_468;
const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

const notADate = (): Refusal => new Refusal('the text is not a date or time in ISO form');

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** Days of a month, or 0 when there is no such month. `year` is astronomical: 1 BC is 0. */
export function daysOfMonth(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (monthDays[month - 1] ?? 0);
}

/**
 * Days since 1970-01-01 (after Howard Hinnant's chrono-compatible date algorithms). `year` is astronomical. `| 0` cuts where
 * numbers are known not to be negative.
 */
export function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1;
  const dayOfEra = yearOfEra * 365 + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0) + dayOfYear;
  return era * daysPerEra + dayOfEra - epochDay;
}

/** True when the text ends in ` BC`. */
export function endsInBc(bytes: Uint8Array, end: number): boolean {
  return bytes[end - 1] === 0x43 && bytes[end - 2] === 0x42 && bytes[end - 3] === space;
}

/**
 * Parses the date at `from`; leaves days since 1970 in `parsed.days` and where the date ends in `parsed.end`.
 * `bc` comes from the end of the whole text.
 */
export function parseDate(bytes: Uint8Array, from: number, end: number, bc: boolean): void {
  let at = from;
  while (at < end && bytes[at] !== dash) at++;
  const yearDigits = at - from;
  if (yearDigits < 4 || yearDigits > yearDigits_max || at + 6 > end || bytes[at + 3] !== dash)
    throw notADate();
  if (yearDigits > 4 && bytes[from] === zero) throw notADate();
  const yearOfEra = digitsAt(bytes, from, yearDigits);
  const month = digitsAt(bytes, at + 1, 2);
  const day = digitsAt(bytes, at + 4, 2);
  if (yearOfEra < 1 || month < 1 || month > 12 || day < 1) throw notADate();
  const year = bc ? 1 - yearOfEra : yearOfEra;
  if (day > daysOfMonth(year, month)) throw notADate();
  parsed.days = daysOf(year, month, day);
  parsed.end = at + 6;
}

/**
 * Parses `HH:MM:SS[.ffffff]` at `from`, up to `end` or the first byte that is not of it; leaves microseconds of the day in
 * `parsed.tod_us` and where it ends in `parsed.end`. 24:00:00 is a time.
 */
export function parseTime(bytes: Uint8Array, from: number, end: number): void {
  if (from + 8 > end || bytes[from + 2] !== colon || bytes[from + 5] !== colon) throw notADate();
  const hour = digitsAt(bytes, from, 2);
  const minute = digitsAt(bytes, from + 3, 2);
  const second = digitsAt(bytes, from + 6, 2);
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 59) throw notADate();
  let at = from + 8;
  let fraction_us = 0;
  if (at < end && bytes[at] === dot) {
    let scale = 100_000;
    at++;
    for (let digit = 0; at < end && scale >= 1; at++, scale = Math.floor(scale / 10)) {
      digit = (bytes[at] as number) - zero;
      if (digit < 0 || digit > 9) break;
      fraction_us += digit * scale;
    }
    // Trailing zeros are never printed, and could not come back.
    if (bytes[at - 1] === zero || bytes[at - 1] === dot) throw notADate();
  }
  parsed.tod_us = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction_us;
  if (parsed.tod_us > day_us) throw notADate();
  parsed.end = at;
}

export const day_us = 86_400_000_000;

/** Astronomical year, month and day of days since 1970-01-01, left in `civil`. */
export const civil = { year: 0, month: 0, day: 0 };

export function civilOf(days: number): void {
  const z = days + epochDay;
  const era = Math.floor(z / daysPerEra);
  const dayOfEra = z - era * daysPerEra;
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const shifted = ((5 * dayOfYear + 2) / 153) | 0;
  civil.day = dayOfYear - (((153 * shifted + 2) / 5) | 0) + 1;
  civil.month = shifted < 10 ? shifted + 3 : shifted - 9;
  civil.year = yearOfEra + era * 400 + (civil.month <= 2 ? 1 : 0);
}

/** A date without its era: `2024-02-29`; PostgreSQL puts ` BC` at the end of the whole text when `civil.year` < 1. */
export function dateText(days: number): string {
  civilOf(days);
  const yearOfEra = civil.year > 0 ? civil.year : 1 - civil.year;
  const year = yearOfEra >= 1000 ? String(yearOfEra) : String(yearOfEra).padStart(4, '0');
  return `${year}-${twoDigits(civil.month)}-${twoDigits(civil.day)}`;
}

/** A time of day as PostgreSQL prints it: the fraction without trailing zeros, none when zero. */
export function timeText(tod_us: number): string {
  const seconds = Math.floor(tod_us / 1_000_000);
  const fraction = tod_us - seconds * 1_000_000;
  const minutes = Math.floor(seconds / 60);
  const whole = `${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`;
  if (fraction === 0) return whole;
  let digits = String(fraction).padStart(6, '0');
  while (digits.endsWith('0')) digits = digits.slice(0, -1);
  return `${whole}.${digits}`;
}

/** True when `text` (ASCII) stands alone in the cell. */
export function isText(bytes: Uint8Array, from: number, size: number, text: string): boolean {
  if (size !== text.length) return false;
  for (let i = 0; i < size; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return true;
}
