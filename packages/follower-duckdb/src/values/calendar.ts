/** Days from 1970-01-01 of a proleptic Gregorian date; astronomical years (0 is 1 BC). After Howard Hinnant's days_from_civil. */
export function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Year, month and day of a number of days from 1970-01-01. */
export function dateOf(days: number): readonly [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** ISO date as PostgreSQL writes it, and whether it is before our era (` BC` then ends the whole text). */
export function dateText(days: number): readonly [text: string, bc: boolean] {
  const [year, month, day] = dateOf(days);
  const bc = year <= 0;
  return [`${String(bc ? 1 - year : year).padStart(4, '0')}-${two(month)}-${two(day)}`, bc];
}

export const second_us = 1_000_000;
export const minute_us = 60 * second_us;
export const hour_us = 60 * minute_us;
export const day_us = 24 * hour_us;

/** `HH:MM:SS[.ffffff]` of microseconds that a double holds exactly. Hours may pass 24. */
export function clockText(micros: number): string {
  const hours = Math.floor(micros / hour_us);
  const minutes = Math.floor((micros % hour_us) / minute_us);
  const seconds = Math.floor((micros % minute_us) / second_us);
  const fraction = micros % second_us;
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return `${two(hours)}:${two(minutes)}:${two(seconds)}${digits}`;
}

/** Microseconds of `HH:MM:SS` and its fraction digits. */
export function clockMicros(
  hours: string,
  minutes: string,
  seconds: string,
  fraction: string | undefined,
): number {
  const micros = fraction === undefined ? 0 : Number(fraction.padEnd(6, '0'));
  return Number(hours) * hour_us + Number(minutes) * minute_us + Number(seconds) * second_us + micros;
}
