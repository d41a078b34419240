const megabyte = 1_000_000;
const thousand = 1000;

/** A value of a figure for people: `123 k`, `212 MB`, `0.62 s`. */
export function inUnit(value: number, unit: string): string {
  if (unit === 'bytes') return `${(value / megabyte).toFixed(0)} MB`;
  if (unit.endsWith('/s') && value >= 10 * thousand) return `${(value / thousand).toFixed(0)} k ${unit}`;
  return `${significant(value)} ${unit}`;
}

/** Three significant digits, never in exponents. */
export function significant(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3);
}
