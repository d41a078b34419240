/** Quantities as an on-call person reads them: binary units with at most one decimal, two units of time. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `12.4 GiB`, `8 GiB`, `512 B`; `unknown` for undefined. One decimal below 100, none above, no trailing zero. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return 'unknown';
  const sign = bytes < 0 ? '−' : '';
  let value = Math.abs(bytes);
  let unit = 0;
  // 1023.96 would print as "1024 KiB"; move on as soon as rounding would reach the next unit.
  while (unit < units.length - 1 && Math.round(value * 10) / 10 >= 1024) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${sign}${Number(value.toFixed(digits))} ${units[unit]}`;
}

/** `41 MiB/s`; `unknown` for undefined. */
export function formatRate(bytesPerSecond: number | undefined): string {
  return bytesPerSecond === undefined ? 'unknown' : `${formatBytes(bytesPerSecond)}/s`;
}

const minute_s = 60;
const hour_s = 3_600;
const day_s = 86_400;

/** `24 s`, `110 s`, `4 min`, `1 h 52 m`, `3 d 4 h`; `unknown` for undefined. Seconds up to two minutes. */
export function formatDuration(seconds: number | undefined): string {
  if (seconds === undefined) return 'unknown';
  const whole = Math.round(Math.max(0, seconds));
  if (whole < 2 * minute_s) return `${whole} s`;
  if (whole < hour_s) return `${Math.round(whole / minute_s)} min`;
  if (whole < 2 * day_s) {
    const minutes = Math.round(whole / minute_s);
    return join(Math.floor(minutes / 60), 'h', minutes % 60, 'm');
  }
  const hours = Math.round(whole / hour_s);
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

const join = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;

/** `02:11:40Z` */
export const formatTimeOfDay = (wall_ms: number): string =>
  `${new Date(wall_ms).toISOString().slice(11, 19)}Z`;
