import { cellNull, type RowImage } from '@millrace/model';
import { Fault } from '@millrace/runtime';

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;
const upperN = 0x4e;

/** What COPY's text format writes after a backslash. Source: PostgreSQL's copyto.c, CopyAttributeOutText. */
const escapes = new Uint8Array(256);
for (const [letter, byte] of [
  ['b', 8],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
  ['\\', 92],
] as const) {
  escapes[letter.charCodeAt(0)] = byte;
}

/**
 * Reads one row of COPY's text format at `bytes[start … end)`, newline included, into `image`, without copying: cells point
 * into `bytes`, where escapes are resolved in place (they only get shorter). Text format, because its values come
 * from the same output functions as pgoutput's; a cast to text would not give the same for boolean, char(n) or inet.
 */
export function readCopyRow(
  bytes: Uint8Array,
  start: number,
  end: number,
  image: RowImage,
  columns: number,
): void {
  const { offset, length } = image;
  const stop = end - 1;
  if (stop < start || bytes[stop] !== newline) throw malformed('a row without its newline');
  let at = start;
  for (let i = 0; i < columns; i++) {
    if (i > 0 && bytes[at++] !== tab) throw malformed(`${i} cells instead of ${columns}`);
    offset[i] = at;
    if (bytes[at] === backslash && bytes[at + 1] === upperN) {
      length[i] = cellNull;
      at += 2;
      continue;
    }
    const from = at;
    let byte = bytes[at] as number;
    while (byte !== tab && at < stop && byte !== backslash) byte = bytes[++at] as number;
    if (byte === backslash && at < stop) {
      const cellEnd = unescapeCell(bytes, at, stop);
      length[i] = cellEnd.to - from;
      at = cellEnd.next;
    } else {
      length[i] = at - from;
    }
  }
  if (at !== stop) throw malformed(`more than ${columns} cells`);
  image.columns = columns;
  image.bytes = bytes;
}

/** From the first backslash on; `to` is where the shortened cell ends, `next` where its text ended. */
function unescapeCell(bytes: Uint8Array, first: number, stop: number): { to: number; next: number } {
  let to = first;
  let at = first;
  while (at < stop && bytes[at] !== tab) {
    let byte = bytes[at++] as number;
    if (byte === backslash) {
      byte = escapes[bytes[at++] as number] as number;
      if (byte === 0 || at > stop) throw malformed('an unknown escape');
    }
    bytes[to++] = byte;
  }
  return { to, next: at };
}

const malformed = (what: string): Fault =>
  new Fault('MR-2011', { detail: `COPY sent a row that is not one: ${what}` });
