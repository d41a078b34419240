import { semantic } from '../connect/connect-schema.js';
import { Refusal } from '../wire/refusal.js';
import { day_us, parsed, parseTime, timeText } from './calendar.js';
import type { Coding } from './coding.js';

const second_us = 1_000_000;
const offsetText = /^([-+])([0-9]{2})(?::([0-9]{2}))?(?::([0-9]{2}))?$/;
const isoTime = /^[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z$/;

function offset_us(text: string): number {
  const match = offsetText.exec(text);
  if (!match) throw new Refusal('the text is not a time with a zone in ISO form');
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * second_us;
  return sign === '-' ? -offset : offset;
}

/** timetz as `io.debezium.time.ZonedTime`: moved to UTC, the zone is lost. */
export const zonedTime: Coding = {
  schema: semantic('string', 'io.debezium.time.ZonedTime'),
  writer: (wire) => (bytes, from, size, out) => {
    const cell = Buffer.from(bytes.buffer, bytes.byteOffset + from, size);
    parseTime(cell, 0, size);
    const { tod_us, end } = parsed;
    if (tod_us === day_us) throw new Refusal('24:00:00 with a zone has no form in UTC');
    const utc_us = (tod_us - offset_us(cell.toString('latin1', end)) + 2 * day_us) % day_us;
    const text = Buffer.from(`${timeText(utc_us)}Z`);
    wire.text(text, 0, text.length, out);
  },
  read: (reader) => {
    const text = reader.text();
    if (!isoTime.test(text)) throw reader.damaged('not an ISO time in UTC');
    return `${text.slice(0, -1)}+00`;
  },
  placeholder: '00:00:00+00',
  zero: '00:00:00+00',
  inexact: 'the time is moved to UTC and its own zone is lost',
};
