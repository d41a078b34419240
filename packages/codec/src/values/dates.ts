import { semantic } from '../connect/connect-schema.js';
import { Refusal } from '../wire/refusal.js';
import { civil, dateText, endsInBc, isText, parseDate, parsed } from './calendar.js';
import type { Coding } from './coding.js';

/** Debezium's codes of infinite dates; both lie below the first date, 4713 BC (−2,440,588), so they are unambiguous. */
const infinity_days = -2_147_472_692;
const minusInfinity_days = -2_147_472_691;
const first_days = -2_440_588;
const last_days = 2_145_042_905;

function parse(bytes: Uint8Array, from: number, size: number): number {
  if (isText(bytes, from, size, 'infinity')) return infinity_days;
  if (isText(bytes, from, size, '-infinity')) return minusInfinity_days;
  const end = from + size;
  const bc = endsInBc(bytes, end);
  parseDate(bytes, from, end, bc);
  if (parsed.end !== (bc ? end - 3 : end)) throw new Refusal('the text is not a date in ISO form');
  return parsed.days;
}

/** Days since 1970-01-01 as INT32 (`io.debezium.time.Date`). */
export const date: Coding = {
  schema: semantic('int32', 'io.debezium.time.Date'),
  writer: (wire) => (bytes, from, size, out) => wire.int(parse(bytes, from, size), out),
  read: (reader) => {
    const days = reader.int();
    if (days === infinity_days) return 'infinity';
    if (days === minusInfinity_days) return '-infinity';
    if (days < first_days || days > last_days) throw reader.damaged('a date is out of range');
    const text = dateText(days);
    return civil.year > 0 ? text : `${text} BC`;
  },
  placeholder: null,
  zero: '1970-01-01',
};
