import { isUtf8 } from 'node:buffer';
import { Refusal } from './refusal.js';

/** Up to here a byte loop beats a call into native code. */
const shortCopy_bytes = 48;

/**
 * Copies UTF-8 text to `target[at…]` (room is the caller's) and makes sure that it is UTF-8: a SQL_ASCII leader sends any
 * bytes, and readers would silently turn them into U+FFFD.
 */
export function copyText(
  source: Uint8Array,
  from: number,
  size: number,
  target: Uint8Array,
  at: number,
): void {
  if (size > shortCopy_bytes) {
    const part = source.subarray(from, from + size);
    if (!isUtf8(part)) throw notUtf8();
    target.set(part, at);
    return;
  }
  let bits = 0;
  for (let i = 0; i < size; i++) {
    const byte = source[from + i] as number;
    bits |= byte;
    target[at + i] = byte;
  }
  if (bits > 0x7f && !isUtf8(source.subarray(from, from + size))) throw notUtf8();
}

/** Throws when the bytes are not UTF-8. */
export function checkText(source: Uint8Array, from: number, size: number): void {
  if (!isUtf8(source.subarray(from, from + size))) throw notUtf8();
}

const notUtf8 = (): Refusal => new Refusal('the text is not valid UTF-8');
