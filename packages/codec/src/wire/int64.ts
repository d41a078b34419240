/**
 * 64-bit integers as two's-complement halves (`high` signed, `low` unsigned): arithmetic that hot loops need without
 * bigint. Results that are two numbers are left in `int64`, one object reused by all (everything here is synchronous).
 */
export const int64 = { high: 0, low: 0 };

const two32 = 0x1_0000_0000;
const billion = 1_000_000_000;

/** From a safe integer, |value| ≤ 2^53. */
export function setFromSafe(value: number): void {
  if ((value | 0) === value) {
    int64.high = value >> 31;
    int64.low = value >>> 0;
    return;
  }
  const high = Math.floor(value / two32);
  int64.high = high | 0;
  int64.low = (value - high * two32) >>> 0;
}

/** From high × 10^9 + low, 0 ≤ both, together below 2^63; negated on demand. */
export function setFromBillions(billions: number, units: number, negative: boolean): void {
  // Split so that every product stays below 2^53.
  const top = Math.floor(billions / 0x1_0000) * billion;
  const bottom = (billions % 0x1_0000) * billion + units;
  let low = (top % 0x1_0000) * 0x1_0000 + bottom;
  let high = Math.floor(top / 0x1_0000) + Math.floor(low / two32);
  low %= two32;
  if (negative) {
    low = low === 0 ? 0 : two32 - low;
    high = low === 0 ? -high : -high - 1;
  }
  int64.high = high | 0;
  int64.low = low >>> 0;
}

/** From a bigint in the range of int64. */
export function setFromBigint(value: bigint): void {
  int64.high = Number(value >> 32n) | 0;
  int64.low = Number(value & 0xffff_ffffn);
}

export function asBigint(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

const safeHigh = 0x20_0000;

/** True when the halves make an integer of at most 2^53 in magnitude. */
export function isSafe(high: number): boolean {
  return high < safeHigh && high >= -safeHigh;
}

/** The value as a number; exact only when `isSafe`. */
export function asSafe(high: number, low: number): number {
  return high * two32 + (low >>> 0);
}

/** Decimal text of a signed 64-bit integer. */
export function int64Text(high: number, low: number): string {
  if (isSafe(high)) return String(high * two32 + (low >>> 0));
  if (high < 0) {
    const negatedLow = -low >>> 0;
    const negatedHigh = (~high + (negatedLow === 0 ? 1 : 0)) >>> 0;
    return `-${uint64Text(negatedHigh, negatedLow)}`;
  }
  return uint64Text(high, low);
}

/** Decimal text of an unsigned 64-bit integer given as unsigned halves. */
export function uint64Text(high: number, low: number): string {
  if (high < safeHigh) return String(high * two32 + (low >>> 0));
  // Long division by 10^9 in 16-bit steps: every partial dividend stays below 2^53.
  const first = Math.floor(high / billion);
  const middle = (high % billion) * 0x1_0000 + (low >>> 16);
  const second = Math.floor(middle / billion);
  const last = (middle % billion) * 0x1_0000 + (low & 0xffff);
  const third = Math.floor(last / billion);
  // Up to 18446744073: the quotient of 2^64 by 10^9.
  const quotient = first * two32 + second * 0x1_0000 + third;
  return `${quotient}${String(last % billion).padStart(9, '0')}`;
}
