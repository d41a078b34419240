import type { RowSink } from '@millrace/model';
import { semantic } from '../connect/connect-schema.js';
import type { AvroReader } from '../wire/avro-reader.js';
import { Refusal } from '../wire/refusal.js';
import type { WireReader } from '../wire/wire.js';
import { civil, dateText, endsInBc, isText, parsed } from './calendar.js';
import type { Coding } from './coding.js';
import { writeCommonIso } from './common-timestamp.js';
import { parseTimestamp } from './timestamps.js';

const letterT = 0x54;
const letterZ = 0x5a;
const dot = 0x2e;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const space = 0x20;
/** `2024-01-02T03:04:05.123456Z`. */
const fraction_bytes_max = 27;
/** `2024-01-02 03:04:05`, the part before the fraction when the year has four digits. */
const whole_bytes = 19;
const utcOffset = '+00';

/**
 * timestamptz as Debezium's ISO text in UTC (`io.debezium.time.ZonedTimestamp`), the fraction padded to the column's
 * precision. Exact because the leader prints UTC (`+00`) and never trailing zeros; years are ISO's: 1 BC is 0000, and from
 * 10000 on they carry a plus sign.
 */
export function zonedTimestamp(precision: number): Coding {
  return {
    schema: semantic('string', 'io.debezium.time.ZonedTimestamp'),
    writer: (wire) => {
      const scratch = Buffer.alloc(48);
      return (bytes, from, size, out) =>
        wire.text(scratch, 0, writeIso(bytes, from, size, precision, scratch), out);
    },
    read: (reader) => zonedText(reader.text(), reader),
    pass: passZoned,
    placeholder: '1970-01-01 00:00:00+00',
    zero: '1970-01-01 00:00:00+00',
  };
}

/** Writes the ISO form at the start of `target`; returns its length. */
function writeIso(bytes: Uint8Array, from: number, size: number, precision: number, target: Buffer): number {
  const common_bytes = writeCommonIso(bytes, from, size, precision, target);
  if (common_bytes > 0) return common_bytes;
  for (const infinity of ['infinity', '-infinity'])
    if (isText(bytes, from, size, infinity)) return target.write(infinity, 0, 'latin1');
  const end = from + size;
  const bc = endsInBc(bytes, end);
  parseTimestamp(bytes, from, end, bc);
  const zone = parsed.end;
  if (!isText(bytes, zone, (bc ? end - 3 : end) - zone, utcOffset))
    throw new Refusal('the timestamp is not in UTC');
  const date_bytes = dateLength(bytes, from);
  const fraction = Math.max(0, zone - from - date_bytes - 10);
  if (fraction > precision) throw new Refusal('the timestamp is finer than its type’s precision');
  let at: number;
  if (bc || date_bytes !== 10) {
    at = target.write(`${isoDate(parsed.days)}T`, 0, 'latin1');
    for (let i = from + date_bytes + 1; i < zone; i++) target[at++] = bytes[i] as number;
  } else {
    for (at = 0; at < zone - from; at++) target[at] = bytes[from + at] as number;
    target[10] = letterT;
  }
  if (precision > 0) {
    if (fraction === 0) target[at++] = dot;
    for (let i = fraction; i < precision; i++) target[at++] = zero;
  }
  target[at++] = letterZ;
  return at;
}

/** Length of `YYYY-MM-DD`, whose year may have more digits. */
function dateLength(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] !== minus) at++;
  return at - from + 6;
}

function isoDate(days: number): string {
  const text = dateText(days);
  if (civil.year > 9999) return `+${text}`;
  if (civil.year > 0) return text;
  const year = String(-civil.year).padStart(4, '0');
  return `${civil.year < 0 ? '-' : ''}${year}${text.slice(text.length - 6)}`;
}

const iso = /^([-+]?)([0-9]{4,6})(-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?Z$/;
const commonIso = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z$/;

function zonedText(text: string, reader: WireReader): string {
  if (commonIso.test(text) && !text.startsWith('0000')) return commonZonedText(text);
  if (text === 'infinity' || text === '-infinity') return text;
  const match = iso.exec(text);
  if (!match) throw reader.damaged('not an ISO timestamp in UTC');
  const [, sign, year = '', date, time, fraction = ''] = match;
  const digits = fraction.replace(/0+$/, '');
  const clock = digits === '' ? time : `${time}.${digits}`;
  const bc = sign === '-' || Number(year) === 0;
  const yearText = bc ? String(Number(year) + 1).padStart(4, '0') : year;
  return `${yearText}${date} ${clock}${utcOffset}${bc ? ' BC' : ''}`;
}

/** Years 1 to 9999: only the separators and the padding differ. */
function commonZonedText(text: string): string {
  let end = text.length - 1;
  if (text.charCodeAt(whole_bytes) === dot) {
    while (text.charCodeAt(end - 1) === zero) end--;
    if (end === whole_bytes + 1) end = whole_bytes;
  }
  return `${text.slice(0, 10)} ${text.slice(11, end)}${utcOffset}`;
}

/** What stands at each place of the common form; a zero for any digit. */
const commonForm = Buffer.from('0000-00-00T00:00:00.000000');
const scratch = Buffer.alloc(32);
const utcOffsetBytes = Buffer.from(utcOffset);

/** Common forms byte by byte; the others by way of their text. */
function passZoned(reader: AvroReader, sink: RowSink): void {
  reader.textBounds();
  const { source, from, to } = reader;
  if (!isCommonForm(source, from, to)) {
    sink.text(zonedText(Buffer.from(source.buffer, source.byteOffset + from, to - from).toString(), reader));
    return;
  }
  let end = to - 1;
  if (end - from > whole_bytes) {
    while (source[end - 1] === zero) end--;
    if (end - from === whole_bytes + 1) end--;
  }
  for (let i = from; i < end; i++) scratch[i - from] = source[i] as number;
  scratch[10] = space;
  scratch.set(utcOffsetBytes, end - from);
  sink.utf8(scratch, 0, end - from + utcOffset.length);
}

/** `2024-01-02T03:04:05[.123456]Z`, years 1 to 9999. */
function isCommonForm(bytes: Uint8Array, from: number, to: number): boolean {
  const size = to - from;
  const hasFraction = size > whole_bytes + 1;
  if (size < whole_bytes + 1 || size > fraction_bytes_max || bytes[to - 1] !== letterZ) return false;
  if (hasFraction && size < whole_bytes + 3) return false;
  let year = 0;
  for (let i = 0; i < size - 1; i++) {
    const byte = bytes[from + i] as number;
    const expected = commonForm[i] as number;
    if (expected === zero ? byte < zero || byte > nine : byte !== expected) return false;
    if (i < 4) year |= byte - zero;
  }
  return year !== 0;
}
