import { emptyRowImage, rowOf } from '@millrace/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCopyRow } from './copy-row.js';

const letters: Record<string, string> = {
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\\': '\\',
};

/** As CopyAttributeOutText writes it. */
const encode = (row: readonly (string | null)[]): Buffer =>
  Buffer.from(
    `${row
      .map((cell) => (cell === null ? '\\N' : cell.replace(/[\b\t\n\v\f\r\\]/g, (c) => `\\${letters[c]}`)))
      .join('\t')}\n`,
  );

function decode(bytes: Buffer, columns: number): (string | null | undefined)[] {
  const image = emptyRowImage(columns);
  const padded = Buffer.concat([Buffer.from('\\N\t'), bytes, Buffer.from('\\N\t')]);
  readCopyRow(padded, 3, 3 + bytes.length, image, columns);
  return rowOf(image);
}

const cell = fc.oneof(
  fc.constant(null),
  fc.string({ unit: fc.constantFrom('a', '\\', 'N', '\t', '\n', '\r', '\b', '\v', '\f', '€', '.') }),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text.replaceAll('\0', '')).toString()),
);

describe('a row of COPY', () => {
  it('reads back to the cells it was written from, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 6 }), (row) => {
        expect(decode(encode(row), row.length)).toEqual(row);
      }),
      { numRuns: 2000 },
    );
  });

  it('tells NULL from the text \\N and from nothing', () => {
    expect(decode(encode([null, '\\N', '', 'N']), 4)).toEqual([null, '\\N', '', 'N']);
  });

  it('of a table without columns is empty', () => {
    expect(decode(Buffer.from('\n'), 0)).toEqual([]);
  });

  it.each(['', 'a', 'a\n', 'a\tb\tc\n', 'a\t\\x\n', 'a\tb\\\n', '\\N'])(
    'is refused when it is not one: %j',
    (text) => {
      expect(() => decode(Buffer.from(text), 2)).toThrow(/MR-2011/);
    },
  );
});
