const zero = 0x30;

/** The value of exactly `count` ASCII digits at `at`, or −1 when any byte is not a digit. At most 15 digits. */
export function digitsAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = (bytes[i] as number) - zero;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Decimal text of a small non-negative integer, at least two digits. */
export const twoDigits = (value: number): string => (value < 10 ? `0${value}` : String(value));
