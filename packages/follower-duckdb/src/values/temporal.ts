import {
  DuckDBDateValue,
  DuckDBIntervalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
} from '@duckdb/node-api';
import { clockMicros, clockText, dateText, day_us, daysOf } from './calendar.js';

/** Readers give undefined for text that is not of the type, or that DuckDB cannot hold: the caller refuses it (promise 8). */

const dateForm = /^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/;
const timeForm = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
const timestampForm = /^(\d{4,7})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(\+00)?( BC)?$/;

const daysOfText = (year: string, month: string, day: string, bc: string | undefined): number =>
  daysOf(bc === undefined ? Number(year) : 1 - Number(year), Number(month), Number(day));

export function readDate(text: string): DuckDBDateValue | undefined {
  const parts = dateForm.exec(text);
  if (parts)
    return new DuckDBDateValue(
      daysOfText(parts[1] as string, parts[2] as string, parts[3] as string, parts[4]),
    );
  if (text === 'infinity') return DuckDBDateValue.PosInf;
  return text === '-infinity' ? DuckDBDateValue.NegInf : undefined;
}

export function writeDate({ days }: DuckDBDateValue): string {
  if (days === DuckDBDateValue.PosInf.days) return 'infinity';
  if (days === DuckDBDateValue.NegInf.days) return '-infinity';
  const [text, bc] = dateText(days);
  return bc ? `${text} BC` : text;
}

export function readTime(text: string): DuckDBTimeValue | undefined {
  const parts = timeForm.exec(text);
  if (!parts) return undefined;
  return new DuckDBTimeValue(
    BigInt(clockMicros(parts[1] as string, parts[2] as string, parts[3] as string, parts[4])),
  );
}

export const writeTime = ({ micros }: DuckDBTimeValue): string => clockText(Number(micros));

/** DuckDB's finite timestamps: the two ends of the int64 are its infinities. */
const latest = DuckDBTimestampValue.Max.micros;
const earliest = DuckDBTimestampValue.Min.micros;
const positiveInfinity = DuckDBTimestampValue.PosInf.micros;
const negativeInfinity = DuckDBTimestampValue.NegInf.micros;

/** Microseconds from 1970, also for the two infinities. */
function readMicros(text: string, zoned: boolean): bigint | undefined {
  const parts = timestampForm.exec(text);
  if (!parts) {
    if (text === 'infinity') return positiveInfinity;
    return text === '-infinity' ? negativeInfinity : undefined;
  }
  if ((parts[8] !== undefined) !== zoned) return undefined;
  const days = daysOfText(parts[1] as string, parts[2] as string, parts[3] as string, parts[9]);
  const clock = clockMicros(parts[4] as string, parts[5] as string, parts[6] as string, parts[7]);
  const micros = BigInt(days) * BigInt(day_us) + BigInt(clock);
  return micros > latest || micros < earliest ? undefined : micros;
}

function writeMicros(micros: bigint, zone: string): string {
  if (micros === positiveInfinity) return 'infinity';
  if (micros === negativeInfinity) return '-infinity';
  const length = BigInt(day_us);
  let days = micros / length;
  if (micros < 0n && micros % length !== 0n) days -= 1n;
  const [date, bc] = dateText(Number(days));
  return `${date} ${clockText(Number(micros - days * length))}${zone}${bc ? ' BC' : ''}`;
}

export function readTimestamp(text: string): DuckDBTimestampValue | undefined {
  const micros = readMicros(text, false);
  return micros === undefined ? undefined : new DuckDBTimestampValue(micros);
}

export const writeTimestamp = ({ micros }: DuckDBTimestampValue): string => writeMicros(micros, '');

export function readTimestampTz(text: string): DuckDBTimestampTZValue | undefined {
  const micros = readMicros(text, true);
  return micros === undefined ? undefined : new DuckDBTimestampTZValue(micros);
}

export const writeTimestampTz = ({ micros }: DuckDBTimestampTZValue): string => writeMicros(micros, '+00');

const intervalForm =
  /^(?:(-?\d+) years?)? ?(?:([+-]?\d+) mons?)? ?(?:([+-]?\d+) days?)? ?(?:([+-])?(\d{2,}):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?$/;
const int32_max = 2_147_483_647;
const monthsPerYear = 12;

/** PostgreSQL's `postgres` interval style. Months, days and microseconds stay apart in both stores. */
export function readInterval(text: string): DuckDBIntervalValue | undefined {
  const parts = text === '' ? null : intervalForm.exec(text);
  if (!parts) return undefined;
  const months = Number(parts[1] ?? 0) * monthsPerYear + Number(parts[2] ?? 0);
  const days = Number(parts[3] ?? 0);
  if (Math.abs(months) > int32_max || Math.abs(days) > int32_max) return undefined;
  if (parts[5] === undefined) return new DuckDBIntervalValue(months, days, 0n);
  const clock =
    BigInt(parts[5]) * 3_600_000_000n +
    BigInt(clockMicros('0', parts[6] as string, parts[7] as string, parts[8]));
  return new DuckDBIntervalValue(months, days, parts[4] === '-' ? -clock : clock);
}

/** As EncodeInterval writes INTSTYLE_POSTGRES: a positive part after a negative one is signed. */
export function writeInterval({ months, days, micros }: DuckDBIntervalValue): string {
  const years = Math.trunc(months / monthsPerYear);
  const units: readonly (readonly [number, string])[] = [
    [years, 'year'],
    [months - years * monthsPerYear, 'mon'],
    [days, 'day'],
  ];
  const words: string[] = [];
  let before = false;
  for (const [value, unit] of units) {
    if (value === 0) continue;
    words.push(`${before && value > 0 ? '+' : ''}${value} ${unit}${value === 1 ? '' : 's'}`);
    before = value < 0;
  }
  if (micros !== 0n || words.length === 0) {
    const sign = micros < 0n ? '-' : before ? '+' : '';
    words.push(`${sign}${longClock(micros < 0n ? -micros : micros)}`);
  }
  return words.join(' ');
}

/** Hours of an interval may pass what a double holds together with its microseconds. */
function longClock(micros: bigint): string {
  const hours = micros / 3_600_000_000n;
  const rest = clockText(Number(micros % 3_600_000_000n)).slice(2);
  return `${hours < 10n ? '0' : ''}${hours}${rest}`;
}
