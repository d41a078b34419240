import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesBetween, formatLsn, type Lsn, lsn, lsnAsInt64, lsnOf, parseLsn } from './lsn.js';

const anyLsn = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map(lsn);

describe('Lsn', () => {
  it('survives its text form exactly over the whole 64-bit range', () => {
    fc.assert(fc.property(anyLsn, (value) => parseLsn(formatLsn(value)) === value));
  });

  it('is built from its halves exactly, whatever their sign as JavaScript numbers', () => {
    fc.assert(
      fc.property(
        anyLsn,
        (value) => lsnOf(Number(value >> 32n) | 0, Number(value & 0xffff_ffffn) | 0) === value,
      ),
    );
  });

  it('reads and writes the form PostgreSQL prints', () => {
    expect(formatLsn(parseLsn('16/B374D848'))).toBe('16/B374D848');
    expect(formatLsn(lsn(0n))).toBe('0/0');
    expect(parseLsn('FFFFFFFF/FFFFFFFF')).toBe(0xffff_ffff_ffff_ffffn);
  });

  it.each(['', '0', '1/', '/1', '1/2/3', 'g/0', '123456789/0', '-1/0'])('refuses %j as an LSN', (text) => {
    expect(() => parseLsn(text)).toThrow(/not an LSN/);
  });

  it('becomes Debezium’s int64 as two’s complement beyond 2^63', () => {
    expect(lsnAsInt64(lsn(0x8000_0000_0000_0000n))).toBe(-(2n ** 63n));
    expect(lsnAsInt64(lsn(2n ** 53n + 1n))).toBe(2n ** 53n + 1n);
  });

  it('subtracts exactly beyond 2^53 before anything becomes a number', () => {
    const from = lsn(2n ** 63n + 1n);
    expect(bytesBetween(from, lsn(from + 3n))).toBe(3);
    expect(bytesBetween(lsn(from + 3n), from)).toBe(0);
    expect(bytesBetween(lsn(0n), lsn(2n ** 64n - 1n))).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('cannot be made from what is not an unsigned 64-bit integer', () => {
    expect(() => lsn(-1n)).toThrow();
    expect(() => lsn(2n ** 64n)).toThrow();
    expect(lsn(5n) satisfies Lsn).toBe(5n);
  });
});
