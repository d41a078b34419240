import { z } from 'zod';

const byteUnits: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  TB: 1_000_000_000_000,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const bytesForm = /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;
const durationForm = /^(\d+(?:\.\d+)?) ?(ms|s|m|min|h|d)$/;

/** `64MiB`, `200MB`, `512B`: units must be written, for a bare number has been read as each of them. Gives bytes. */
export const byteSize = z
  .string({ error: 'expected a size such as "64MiB" (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)' })
  .regex(bytesForm, {
    error: 'expected a size such as "64MiB" (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)',
  })
  .transform((text) => measure(text, bytesForm, byteUnits));

/** `10s`, `500ms`, `7d`. Gives milliseconds. */
export const duration = z
  .string({ error: 'expected a duration such as "10s" (units: ms, s, m, h, d)' })
  .regex(durationForm, { error: 'expected a duration such as "10s" (units: ms, s, m, h, d)' })
  .transform((text) => measure(text, durationForm, durationUnits));

function measure(text: string, form: RegExp, units: Readonly<Record<string, number>>): number {
  const [, number, unit] = form.exec(text) as RegExpExecArray;
  return Math.round(Number(number) * (units[unit as string] as number));
}
