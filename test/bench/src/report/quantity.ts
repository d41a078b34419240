import type { Summary } from '../measure/statistics.js';

const thousand = 1_000;
const megabyte = 1_000_000;
/** From here on thousands are told as such. */
const large = 10_000;

/** Three significant digits, never with an exponent. */
export function significant(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 0.1 ? 2 : 3);
}

/** How values of a unit around `size` are told: what to divide by, and what to call the result. */
function scaleOf(unit: string, size: number): { readonly divisor: number; readonly unit: string } {
  if (unit === 'bytes') return { divisor: megabyte, unit: 'MB' };
  if (unit.endsWith('/s') && size >= large) return { divisor: thousand, unit: `k ${unit}` };
  return { divisor: 1, unit };
}

/** `0.62 s`, `212 MB`; of a ratio, without a unit, the bare number. */
export function quantity(value: number, unit = ''): string {
  const scale = scaleOf(unit, value);
  return `${significant(value / scale.divisor)} ${scale.unit}`.trim();
}

/** Median with its range, the unit once: `123 k events/s (118 – 130)`. Empty of nothing. */
export function spread(summary: Summary | undefined, unit = ''): string {
  if (!summary) return '';
  const { divisor } = scaleOf(unit, summary.median);
  const range = [summary.min, summary.max].map((value) => significant(value / divisor));
  return `${quantity(summary.median, unit)} (${range.join(' – ')})`;
}
