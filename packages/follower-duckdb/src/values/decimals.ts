import { DuckDBDecimalValue } from '@duckdb/node-api';

/** DuckDB's DECIMAL holds at most this many digits. */
export const decimalWidth_max = 38;

export interface DecimalShape {
  readonly width: number;
  readonly scale: number;
}

/**
 * numeric(p,s) from its typmod: p in the upper half, s in the lower eleven bits as a signed number (negative from 15 on), both
 * over VARHDRSZ = 4. Undefined when DuckDB has no such DECIMAL.
 */
export function decimalShape(typmod: number): DecimalShape | undefined {
  if (typmod < 4) return undefined;
  const packed = typmod - 4;
  const width = (packed >> 16) & 0xffff;
  const scale = ((packed & 0x7ff) ^ 1024) - 1024;
  const fits = width >= 1 && width <= decimalWidth_max && scale >= 0 && scale <= width;
  return fits ? { width, scale } : undefined;
}

const decimalForm = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Undefined for NaN, which DECIMAL has not, and for more digits than fit. */
export function readDecimal(text: string, { width, scale }: DecimalShape): DuckDBDecimalValue | undefined {
  const parts = decimalForm.exec(text);
  if (!parts) return undefined;
  const fraction = parts[3] ?? '';
  if (fraction.length > scale) return undefined;
  const digits = `${parts[2]}${fraction.padEnd(scale, '0')}`;
  if (digits.replace(/^0+/, '').length > width) return undefined;
  const value = BigInt(digits);
  return new DuckDBDecimalValue(parts[1] === '-' ? -value : value, width, scale);
}

export function writeDecimal({ value, scale }: Pick<DuckDBDecimalValue, 'value' | 'scale'>): string {
  const negative = value < 0n;
  const digits = String(negative ? -value : value).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`;
  return `${negative ? '-' : ''}${whole}${fraction}`;
}
