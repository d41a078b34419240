/** Floats as PostgreSQL writes them: shortest digits that read back the same, scientific from these exponents on. */
const plainExponent_min = -4;
const float8Scientific = 15;
const float4Scientific = 6;
/** A float32 is told apart by at most nine significant digits. */
const float4Digits_max = 9;

export const writeFloat8 = (value: number): string =>
  special(value) ?? layOut(value.toExponential(), float8Scientific);

export function writeFloat4(value: number): string {
  const known = special(value);
  if (known !== undefined) return known;
  for (let digits = 0; digits < float4Digits_max; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return layOut(text, float4Scientific);
  }
  return layOut(value.toExponential(), float4Scientific);
}

const floatForm = /^-?\d+(?:\.\d+)?(?:e[+-]\d+)?$/;

/** DuckDB's compression takes −0 for 0 at a checkpoint, so −0 cannot be held: undefined refuses it (promise 8). */
export function readFloat8(text: string): number | undefined {
  if (text === '-0') return undefined;
  if (floatForm.test(text)) return Number(text);
  return text === 'NaN' || text === 'Infinity' || text === '-Infinity' ? Number(text) : undefined;
}

/** Rounding to a double first could move a tie between two floats; a shortest text never lies on one. */
export function readFloat4(text: string): number | undefined {
  const value = readFloat8(text);
  return value === undefined ? undefined : Math.fround(value);
}

function special(value: number): string | undefined {
  if (Number.isFinite(value)) return value === 0 ? (Object.is(value, -0) ? '-0' : '0') : undefined;
  return String(value);
}

/** From JavaScript's `d.ddde±x`. */
function layOut(exponential: string, scientificFrom: number): string {
  const [mantissa, power] = exponential.split('e') as [string, string];
  const exponent = Number(power);
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace('-', '').replace('.', '').replace(/0+$/, '') || '0';
  const sign = negative ? '-' : '';
  if (exponent < plainExponent_min || exponent >= scientificFrom) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
