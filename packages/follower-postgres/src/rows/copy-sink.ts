import { Buffer } from 'node:buffer';
import type { NewRows, NewRowsSink } from '@millrace/follower';
import type { Row } from '@millrace/model';
import { ByteWriter } from '@millrace/runtime';

const tab = 0x09;
const newline = 0x0a;
const carriageReturn = 0x0d;
const minus = 0x2d;
const zero = 0x30;
const backslash = 0x5c;
const letterN = 0x4e;
const letterR = 0x72;
const letterT = 0x74;
const lowerN = 0x6e;
/** A 64-bit integer's text. */
const integer_bytes_max = 20;
const two32 = 0x1_0000_0000;
const safeHigh = 0x20_0000;
const initial_bytes = 64 * 1024;
/** The next buffer has room for what the last one held, up to this; a larger one is not kept. */
const next_bytes_max = 4 * 1024 * 1024;

/** Rows in COPY's text format. */
export interface CopyRows extends NewRows {
  readonly bytes: Buffer;
}

/** Gathers rows in COPY's text format, bytes to bytes. */
export class CopySink implements NewRowsSink {
  readonly #out = new ByteWriter(initial_bytes);
  /** Where the row under way begins. */
  #rowStart = 0;
  #isFirstCell = true;
  count = 0;

  null(): void {
    this.#begin(2);
    this.#put(backslash);
    this.#put(letterN);
  }

  int(value: number): void {
    this.#begin(integer_bytes_max);
    this.#digits(value);
  }

  long(high: number, low: number): void {
    this.#begin(integer_bytes_max);
    if (high < safeHigh && high >= -safeHigh) this.#digits(high * two32 + (low >>> 0));
    else this.#ascii(((BigInt(high) << 32n) | BigInt(low >>> 0)).toString());
  }

  utf8(source: Uint8Array, from: number, to: number): void {
    this.#begin((to - from) * 2);
    const { buffer } = this.#out;
    let at = this.#out.position;
    for (let i = from; i < to; i++) {
      const byte = source[i] as number;
      const escaped = byte <= backslash ? escapeOf(byte) : 0;
      if (escaped !== 0) {
        buffer[at++] = backslash;
        buffer[at++] = escaped;
      } else buffer[at++] = byte;
    }
    this.#out.position = at;
  }

  text(cell: string): void {
    const bytes = Buffer.from(cell);
    this.utf8(bytes, 0, bytes.length);
  }

  endRow(): void {
    this.#out.u8(newline);
    this.#rowStart = this.#out.position;
    this.#isFirstCell = true;
    this.count++;
  }

  dropRow(): void {
    this.#out.position = this.#rowStart;
    this.#isFirstCell = true;
    this.#giveUpRoom();
  }

  take(): CopyRows {
    const taken = { count: this.count, bytes: this.#out.view() };
    this.#out.buffer = roomFor(taken.bytes.length);
    this.clear();
    return taken;
  }

  /** Forgets everything that was not taken. */
  clear(): void {
    this.#out.reset();
    this.#rowStart = 0;
    this.#isFirstCell = true;
    this.count = 0;
    this.#giveUpRoom();
  }

  /** A row as large as a document must not leave its room behind in every table. */
  #giveUpRoom(): void {
    const { buffer, position } = this.#out;
    if (buffer.length <= next_bytes_max || position > next_bytes_max) return;
    this.#out.buffer = roomFor(position);
    buffer.copy(this.#out.buffer, 0, 0, position);
  }

  /** Room for a cell of at most `bytes`, and the tab before it. */
  #begin(bytes: number): void {
    const out = this.#out;
    out.reserve(bytes + 2);
    if (this.#isFirstCell) this.#isFirstCell = false;
    else out.buffer[out.position++] = tab;
  }

  #put(byte: number): void {
    this.#out.buffer[this.#out.position++] = byte;
  }

  /** A safe integer. */
  #digits(value: number): void {
    const { buffer } = this.#out;
    let at = this.#out.position;
    let rest = value;
    if (rest < 0) {
      buffer[at++] = minus;
      rest = -rest;
    }
    let size = 1;
    for (let bound = 10; rest >= bound; bound *= 10) size++;
    for (let i = at + size - 1; i >= at; i--) {
      const quotient = Math.floor(rest / 10);
      buffer[i] = zero + (rest - quotient * 10);
      rest = quotient;
    }
    this.#out.position = at + size;
  }

  #ascii(text: string): void {
    this.#out.position += this.#out.buffer.write(text, this.#out.position, 'latin1');
  }
}

/** A power of two, so that batches of about the same size do not outgrow it each time. */
function roomFor(bytes: number): Buffer {
  let room_bytes = initial_bytes;
  while (room_bytes < bytes && room_bytes < next_bytes_max) room_bytes *= 2;
  return Buffer.allocUnsafeSlow(room_bytes);
}

function escapeOf(byte: number): number {
  switch (byte) {
    case backslash:
      return backslash;
    case tab:
      return letterT;
    case newline:
      return lowerN;
    case carriageReturn:
      return letterR;
    default:
      return 0;
  }
}

const cellOf: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };

/**
 * The rows again, as cells: for batches that COPY does not write. Cell by cell, since all of them together may be longer than
 * a string can be.
 */
export function rowsOfCopy({ bytes }: CopyRows): Row[] {
  const rows: Row[] = [];
  let row: (string | null)[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== tab && byte !== newline) continue;
    row.push(cellIn(bytes, from, at));
    from = at + 1;
    if (byte === tab) continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

function cellIn(bytes: Buffer, from: number, to: number): string | null {
  const cell = bytes.toString('utf8', from, to);
  if (cell === '\\N') return null;
  return cell.includes('\\')
    ? cell.replace(/\\(.)/g, (_, escaped: string) => cellOf[escaped] as string)
    : cell;
}
