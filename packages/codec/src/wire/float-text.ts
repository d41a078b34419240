/**
 * Floats as PostgreSQL prints them (extra_float_digits ≥ 1): the shortest decimal *strictly* inside the rounding interval
 * (src/common/d2s.c, f2s.c: acceptBounds = false), fixed notation for exponents −4 … 14 (float8) or −4 … 5 (float4).
 * JavaScript also prints the shortest, but accepts an interval's bounds for even mantissas: 1e23 there is
 * 9.999999999999999e+22 here. It knows no shortest float4 at all.
 */

const float8Fixed_exponentLimit = 15;
const float4Fixed_exponentLimit = 6;

/** PostgreSQL's text of a double. */
export function float8Text(value: number): string {
  if (!Number.isFinite(value)) return nonFiniteText(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = String(value);
  // Only decimals D × 10^e with −1 ≤ e ≤ 23 can be exactly halfway between two doubles, hence only such magnitudes.
  const magnitude = Math.abs(value);
  // In this range JavaScript's notation is PostgreSQL's.
  if (magnitude >= 1e-4 && magnitude < 1e15) return text;
  const digits = magnitude >= 2 ** 52 && magnitude < 1e42 ? strictlyInside(value, text) : text;
  return laidOut(digits, float8Fixed_exponentLimit);
}

/** PostgreSQL's text of a number that is exactly a float4. */
export function float4Text(value: number): string {
  if (!Number.isFinite(value)) return nonFiniteText(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return laidOut(shortestFloat4(value), float4Fixed_exponentLimit);
}

/** The float4 nearest to a decimal text, rounded once: rounding to a double first may fall onto a float4 midpoint. */
export function float4Of(text: string): number {
  const double = Number(text);
  const rounded = Math.fround(double);
  if (!isFloat4Midpoint(double)) return rounded;
  // Which side of the midpoint does the decimal lie on? Compare exactly.
  const side = compareDecimal(text, double);
  if (side === 0) return rounded;
  const away = side > 0 === double > 0;
  return away ? float4Beyond(double) : float4Within(double);
}

function nonFiniteText(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

const doubleView = new DataView(new ArrayBuffer(8));

/** The double next to a finite non-zero one, away from zero (+1) or towards it (−1). */
function neighbour(value: number, step: 1n | -1n): number {
  doubleView.setFloat64(0, value);
  doubleView.setBigUint64(0, doubleView.getBigUint64(0) + step);
  return doubleView.getFloat64(0);
}

/** `text`, or when it lies on a bound of the interval of doubles that round to `value`, the next longer one that does not. */
function strictlyInside(value: number, text: string): string {
  if (!onBound(value, text)) return text;
  for (const digits of [16, 17]) {
    const longer = nearestDecimal(value, digits);
    if (Number(longer) === value && !onBound(value, longer)) return longer;
  }
  return value.toPrecision(17);
}

/** All magnitudes here are ≥ 2^52: doubles are multiples of 1, midpoints of ½. Compare in halves of one. */
function onBound(value: number, text: string): boolean {
  const { digits, exponent } = decimalOf(text);
  if (exponent < -1) return false;
  const exact = (digits * 10n ** BigInt(exponent + 1)) / 5n;
  if ((digits * 10n ** BigInt(exponent + 1)) % 5n !== 0n) return false;
  const magnitude = Math.abs(value);
  const here = BigInt(magnitude);
  // Twice a midpoint is the sum of two neighbours.
  return (
    exact === here + BigInt(neighbour(magnitude, 1n)) ||
    exact === here + BigInt(Math.floor(neighbour(magnitude, -1n)))
  );
}

/** Magnitude of a decimal text as digits × 10^exponent. */
function decimalOf(text: string): { digits: bigint; exponent: number } {
  const [mantissa = '', power = '0'] = text.replace(/^[-+]/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

/** Sign of (decimal text − double), magnitudes compared exactly, sign of the number kept. */
function compareDecimal(text: string, double: number): -1 | 0 | 1 {
  const { digits, exponent } = decimalOf(text);
  doubleView.setFloat64(0, Math.abs(double));
  const bits = doubleView.getBigUint64(0);
  const rawExponent = Number(bits >> 52n);
  const mantissa = (bits & 0xf_ffff_ffff_ffffn) | (rawExponent > 0 ? 1n << 52n : 0n);
  const binaryExponent = Math.max(rawExponent, 1) - 1075;
  let left = digits;
  let right = mantissa;
  if (exponent >= 0) left *= 10n ** BigInt(exponent);
  else right *= 10n ** BigInt(-exponent);
  if (binaryExponent >= 0) right <<= BigInt(binaryExponent);
  else left <<= BigInt(-binaryExponent);
  const order = left < right ? -1 : left > right ? 1 : 0;
  return double < 0 ? ((-order || 0) as -1 | 0 | 1) : order;
}

const float4_min_normal = 2 ** -126;
const float4_overflow = 2 ** 128 - 2 ** 103;

/** True when a double lies exactly halfway between two neighbouring float4s (or between the largest and infinity). */
function isFloat4Midpoint(double: number): boolean {
  const magnitude = Math.abs(double);
  if (!(magnitude > 0) || !Number.isFinite(double)) return false;
  if (magnitude === float4_overflow) return true;
  // Below the smallest normal float4 the step is 2^-149, so midpoints are odd multiples of 2^-150.
  if (magnitude < float4_min_normal) {
    const halves = magnitude * 2 ** 150;
    return Number.isInteger(halves) && halves % 2 === 1;
  }
  doubleView.setFloat64(0, magnitude);
  return (doubleView.getUint32(4) & 0x1fff_ffff) === 0x1000_0000;
}

/** The float4s on either side of a midpoint. A double's neighbour lies between midpoint and float4: it rounds clearly. */
const float4Beyond = (midpoint: number): number => Math.fround(neighbour(midpoint, 1n));
const float4Within = (midpoint: number): number => Math.fround(neighbour(midpoint, -1n));

/** Shortest decimal strictly inside the interval that rounds to a finite non-zero float4. */
function shortestFloat4(value: number): string {
  // A normal float4's interval holds at most one decimal of six digits, so shorter ones are that one less its zeros.
  const from = Math.abs(value) < float4_min_normal ? 1 : 6;
  for (let digits = from; digits < 9; digits++) {
    const nearest = nearestDecimal(value, digits);
    if (insideFloat4(value, nearest)) return nearest;
    // Below a power of two the interval is only half as wide, so the nearest decimal may be outside on that side while the
    // next one on the wide side is inside.
    const wider = nextAway(nearest, digits);
    if (insideFloat4(value, wider)) return wider;
  }
  return nearestDecimal(value, 9);
}

/** The nearest decimal of so many digits, a tie to the even digit as in Ryu (toPrecision takes the larger one). */
function nearestDecimal(value: number, digits: number): string {
  const nearest = value.toPrecision(digits);
  const longer = value.toPrecision(digits + 1);
  if (!/5(?:e|$)/.test(longer) || compareDecimal(longer, value) !== 0) return nearest;
  if (endsEven(nearest, digits)) return nearest;
  return longer.replace(/5(?=e|$)/, longer.includes('.') ? '' : '0');
}

/** True when the last of the first `digits` significant digits is even. */
function endsEven(text: string, digits: number): boolean {
  const significant = text.replace(/e.*$/, '').replace(/[-.]/g, '').replace(/^0+/, '');
  return Number(significant.charAt(digits - 1)) % 2 === 0;
}

function insideFloat4(value: number, text: string): boolean {
  const double = Number(text);
  return isFloat4Midpoint(double)
    ? compareDecimal(text, double) !== 0 && float4Of(text) === value
    : Math.fround(double) === value;
}

/** The decimal of as many digits that follows `text` away from zero. */
function nextAway(text: string, digits: number): string {
  const { digits: mantissa, exponent } = decimalOf(text);
  const scale = BigInt(mantissa.toString().length - digits);
  const step = scale > 0n ? 10n ** scale : 1n;
  return `${text.startsWith('-') ? '-' : ''}${mantissa + step}e${exponent}`;
}

/** Lays digits out as PostgreSQL does, whatever notation they come in. */
function laidOut(text: string, exponentLimit: number): string {
  const sign = text.startsWith('-') ? '-' : '';
  const [mantissa = '', power = '0'] = text.slice(sign.length).toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = (whole + fraction).replace(/^0+/, '');
  const leadingZeros = whole.length + fraction.length - all.length;
  const digits = all.replace(/0+$/, '');
  const exponent = whole.length - leadingZeros - 1 + Number(power);
  if (exponent < -4 || exponent >= exponentLimit) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const magnitude = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${rest}e${exponent < 0 ? '-' : '+'}${magnitude}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0');
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}
