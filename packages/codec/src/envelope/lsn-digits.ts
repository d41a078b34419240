import type { ByteWriter } from '@millrace/runtime';
import type { EncodingContext } from '../port.js';
import { avroWriter } from '../wire/avro-writer.js';
import { int64Text } from '../wire/int64.js';
import { putText } from './avro-parts.js';
import { hasNoLsn, sequenceStart } from './source-facts.js';

/** Upper half of 2^53: LSNs below it are written digit by digit, those beyond by way of text. */
export const safeHigh = 0x20_0000;

/** 10^0 … 10^16, beyond any safe integer. */
export const powersOfTen: readonly number[] = Array.from({ length: 17 }, (_, exponent) => 10 ** exponent);

/** Where the event's own digits stand in what `putSequence` wrote last; no digits: they cannot be overwritten. */
export const ownDigits = { at: 0, count: 0 };

const quote = 0x22;
const comma = 0x2c;
const opening = 0x5b;
const closing = 0x5d;
const two32 = 0x1_0000_0000;
const nullText = Buffer.from('null');
/** Two quoted LSNs of 16 digits, two brackets, a comma, and the length. */
const sequence_bytes_max = 64;

/** An LSN as a safe integer, NaN beyond. */
const safeValue = (high: number, low: number): number =>
  high >= 0 && high < safeHigh ? high * two32 + (low >>> 0) : Number.NaN;

/** How many decimal digits a safe integer has. */
function digitsOf(value: number): number {
  let count = 1;
  while (value >= (powersOfTen[count] as number)) count++;
  return count;
}

/** Appends `source.sequence` as an Avro string: the LSNs of the last commit and of the event, or null, as a JSON array. */
export function putSequence(high: number, low: number, context: EncodingContext, out: ByteWriter): void {
  const { lastCommitHigh, lastCommitLow } = context;
  const hasLast = lastCommitHigh !== -1 || lastCommitLow !== -1;
  const hasOwn = !hasNoLsn(context);
  const last = safeValue(lastCommitHigh, lastCommitLow);
  const own = safeValue(high, low);
  if ((hasLast && Number.isNaN(last)) || (hasOwn && Number.isNaN(own))) {
    ownDigits.count = 0;
    const text = hasOwn ? `"${int64Text(high | 0, low >>> 0)}"` : 'null';
    putText(`${sequenceStart(context)}${text}]`, out);
    return;
  }
  const lastCount = hasLast ? digitsOf(last) : 0;
  ownDigits.count = hasOwn ? digitsOf(own) : 0;
  out.reserve(sequence_bytes_max);
  avroWriter.int(3 + quoted_bytes(lastCount) + quoted_bytes(ownDigits.count), out);
  const { buffer } = out;
  let at = out.position;
  buffer[at++] = opening;
  at = putQuoted(buffer, last, lastCount, at);
  buffer[at++] = comma;
  ownDigits.at = at + 1;
  at = putQuoted(buffer, own, ownDigits.count, at);
  buffer[at++] = closing;
  out.position = at;
}

const quoted_bytes = (digits: number): number => (digits === 0 ? nullText.length : digits + 2);

/** The value between quotes, or null when it has no digits; returns where it ends. */
function putQuoted(buffer: Uint8Array, value: number, digits: number, at: number): number {
  if (digits === 0) {
    buffer.set(nullText, at);
    return at + nullText.length;
  }
  const end = at + 1 + digits;
  buffer[at] = quote;
  writeDigits(buffer, end, value, digits);
  buffer[end] = quote;
  return end + 1;
}

const half = 100_000_000;

/** Writes `count` digits of a safe integer so that they end at `end`; two 32-bit parts keep the divisions integer. */
export function writeDigits(buffer: Uint8Array, end: number, value: number, count: number): void {
  const top = Math.floor(value / half);
  let rest = (value - top * half) | 0;
  const lower = Math.min(count, 8);
  for (let i = 1; i <= lower; i++) {
    const next = (rest / 10) | 0;
    buffer[end - i] = 0x30 + rest - next * 10;
    rest = next;
  }
  rest = top | 0;
  for (let i = 9; i <= count; i++) {
    const next = (rest / 10) | 0;
    buffer[end - i] = 0x30 + rest - next * 10;
    rest = next;
  }
}
