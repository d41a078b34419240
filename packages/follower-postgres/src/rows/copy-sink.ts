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
/** The next buffer is as large as the last one grew, up to this. */
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
  }

  take(): CopyRows {
    const taken = { count: this.count, bytes: this.#out.view() };
    this.#out.buffer = Buffer.allocUnsafeSlow(Math.min(next_bytes_max, this.#out.buffer.length));
    this.clear();
    return taken;
  }

  /** Forgets everything that was not taken. */
  clear(): void {
    this.#out.reset();
    this.#rowStart = 0;
    this.#isFirstCell = true;
    this.count = 0;
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

/** The rows again, as cells: for the rare batch that COPY cannot write. */
export function rowsOfCopy({ bytes }: CopyRows): Row[] {
  const lines = bytes.toString('utf8').split('\n');
  lines.pop();
  return lines.map((line) =>
    line
      .split('\t')
      .map((cell) =>
        cell === '\\N' ? null : cell.replace(/\\(.)/g, (_, escaped: string) => cellOf[escaped] as string),
      ),
  );
}
