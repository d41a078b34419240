import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CopySink, rowsOfCopy } from './copy-sink.js';

test('rows of every kind of cell stand as COPY expects them', () => {
  const sink = new CopySink();
  sink.int(-2147483648);
  sink.long(0, 42);
  sink.null();
  sink.text('a\tb\\c\nd\re');
  sink.endRow();
  sink.int(0);
  sink.long(-1, 0xffffffff);
  sink.text('');
  sink.text('žluť 🐎');
  sink.endRow();
  const rows = sink.take();
  expect(rows.count).toBe(2);
  expect(rows.bytes.toString()).toBe('-2147483648\t42\t\\N\ta\\tb\\\\c\\nd\\re\n0\t-1\t\tžluť 🐎\n');
});

test('64-bit integers keep every digit', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const sink = new CopySink();
      sink.long(Number(value >> 32n), Number(value & 0xffffffffn));
      sink.endRow();
      expect(sink.take().bytes.toString()).toBe(`${value}\n`);
    }),
    { examples: [[2n ** 53n], [-(2n ** 53n)], [2n ** 53n + 1n], [-(2n ** 63n)]] },
  );
});

test('any rows come back from their COPY text', () => {
  const cell = fc.option(fc.string({ unit: 'grapheme' }), { nil: null });
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }));
  fc.assert(
    fc.property(rows, (given) => {
      const sink = new CopySink();
      for (const row of given) {
        for (const one of row) one === null ? sink.null() : sink.text(one);
        sink.endRow();
      }
      expect(rowsOfCopy(sink.take())).toEqual(given);
    }),
  );
});

test('a row as large as a document leaves no room behind, whether dropped, taken or forgotten', () => {
  const sink = new CopySink();
  const document = 'x'.repeat(16 * 1024 * 1024);
  const room = () => sink.take().bytes.buffer.byteLength;
  sink.int(1);
  sink.endRow();
  sink.text(document);
  sink.dropRow();
  expect(rowsOfCopy(sink.take())).toEqual([['1']]);
  sink.text(document);
  sink.endRow();
  sink.clear();
  expect(room()).toBeLessThan(1024 * 1024);
  sink.text(document);
  sink.endRow();
  expect(room()).toBeGreaterThan(document.length);
  sink.int(1);
  sink.endRow();
  sink.take();
  expect(room()).toBeLessThan(1024 * 1024);
});

test('a dropped row leaves nothing, and what was taken stays while the next is gathered', () => {
  const sink = new CopySink();
  sink.int(1);
  sink.endRow();
  sink.int(2);
  sink.dropRow();
  const taken = sink.take();
  sink.int(3);
  sink.endRow();
  expect(taken.bytes.toString()).toBe('1\n');
  expect(sink.take().bytes.toString()).toBe('3\n');
});
