import { Fault } from '@millrace/runtime';

declare const lsnBrand: unique symbol;

/**
 * A byte position in the leader's WAL: an exact unsigned 64-bit integer (promise 9). PostgreSQL's pass 2^53 and
 * 2^63, so a Lsn never becomes a number; only *differences* do, after exact subtraction.
 */
export type Lsn = bigint & { readonly [lsnBrand]: never };

const max = 0xffff_ffff_ffff_ffffn;
const textForm = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** Brands an exact value. Throws MR-9001 outside 0 … 2^64 − 1. */
export function lsn(value: bigint): Lsn {
  if (value < 0n || value > max)
    throw new Fault('MR-9001', { detail: `LSN ${value} is not an unsigned 64-bit integer` });
  return value as Lsn;
}

/** From the two unsigned 32-bit halves that hot loops carry. */
export function lsnOf(high: number, low: number): Lsn {
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) as Lsn;
}

export const lsnZero = 0n as Lsn;

/** Parses PostgreSQL's text form, `16/B374D848`. */
export function parseLsn(text: string): Lsn {
  const match = textForm.exec(text);
  if (!match) throw new Fault('MR-1001', { detail: `"${text}" is not an LSN like 16/B374D848` });
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** PostgreSQL's text form: two hexadecimal halves, upper case, no leading zeros. */
export function formatLsn(value: Lsn): string {
  return `${(value >> 32n).toString(16).toUpperCase()}/${(value & 0xffff_ffffn).toString(16).toUpperCase()}`;
}

/** Two's-complement int64 of an LSN, as Debezium's `source.lsn` carries it (negative beyond 2^63). */
export function lsnAsInt64(value: Lsn): bigint {
  return BigInt.asIntN(64, value);
}

/** Bytes from `from` to `to`, exactly; 0 when `to` is not ahead. Safe as a number up to 2^53 bytes (8 PiB), beyond that clamped. */
export function bytesBetween(from: Lsn, to: Lsn): number {
  const difference = to - from;
  if (difference <= 0n) return 0;
  return difference > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(difference);
}

export const maxLsn = (a: Lsn, b: Lsn): Lsn => (a > b ? a : b);
export const minLsn = (a: Lsn, b: Lsn): Lsn => (a < b ? a : b);
