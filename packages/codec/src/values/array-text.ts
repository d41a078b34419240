import { Refusal } from '../wire/refusal.js';

const open = 0x7b;
const close = 0x7d;
const comma = 0x2c;
const quote = 0x22;
const backslash = 0x5c;

/** PostgreSQL quotes an element that is empty, holds one of these, or could be read as NULL (array_out). */
const needsQuotes = /^$|^null$|[{}",\\ \t\n\r\v\f]/i;

const notFlat = (): Refusal =>
  new Refusal(
    'the array has several dimensions or lower bounds of its own, which a Connect array cannot hold',
  );
const notAnArray = (): Refusal => new Refusal('the text is not an array');

/** The elements of a one-dimensional array's text, `{1,NULL,"a b"}`; null for NULL. */
export function arrayElements(text: Buffer): (Buffer | null)[] {
  if (text[0] === 0x5b) throw notFlat();
  const last = text.length - 1;
  if (text[0] !== open || text[last] !== close) throw notAnArray();
  const elements: (Buffer | null)[] = [];
  if (last === 1) return elements;
  for (let at = 1; at <= last; at++) {
    if (text[at] === open) throw notFlat();
    const end = text[at] === quote ? quotedEnd(text, at) : plainEnd(text, at);
    elements.push(
      text[at] === quote ? unquoted(text.subarray(at + 1, end - 1)) : plain(text.subarray(at, end)),
    );
    if (end > last || (text[end] !== comma && end !== last)) throw notAnArray();
    at = end;
  }
  return elements;
}

function plainEnd(text: Buffer, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== comma && text[at] !== close) at++;
  return at;
}

function plain(element: Buffer): Buffer | null {
  if (element.length === 0) throw notAnArray();
  return element.length === 4 && element.toString('latin1') === 'NULL' ? null : element;
}

/** Position after the closing quote. */
function quotedEnd(text: Buffer, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === backslash) at++;
    else if (text[at] === quote) return at + 1;
  }
  throw notAnArray();
}

function unquoted(inner: Buffer): Buffer {
  if (!inner.includes(backslash)) return inner;
  const plainBytes = Buffer.alloc(inner.length);
  let size = 0;
  for (let at = 0; at < inner.length; at++) {
    if (inner[at] === backslash) at++;
    plainBytes[size++] = inner[at] as number;
  }
  return plainBytes.subarray(0, size);
}

/** The text of a one-dimensional array, as PostgreSQL prints it. */
export function arrayText(elements: readonly (string | null)[]): string {
  return `{${elements.map(elementText).join(',')}}`;
}

function elementText(element: string | null): string {
  if (element === null) return 'NULL';
  return needsQuotes.test(element) ? `"${element.replace(/["\\]/g, '\\$&')}"` : element;
}
