import { type DurationFigures, durationBounds_s } from '@millrace/runtime';

/** What services can tell in the figures of their notes, beside counters of their own: names that metrics know. */
export type DurationName = 'apply' | 'latency';
export const changeOps = ['snapshot', 'insert', 'update', 'delete', 'truncate'] as const;
export type ChangeOp = (typeof changeOps)[number];

export const figureOfChange = (op: ChangeOp): string => `changes_${op}`;
const figureOfBucket = (name: DurationName, bound_s: number): string => `${name}_le_${bound_s}`;
const figureOfCount = (name: DurationName): string => `${name}_count`;
const figureOfSum = (name: DurationName): string => `${name}_sum_s`;

/** A histogram as figures of a note. */
export function durationFigures(
  name: DurationName,
  { buckets, count, sum_s }: DurationFigures,
): Record<string, number> {
  const figures: Record<string, number> = { [figureOfCount(name)]: count, [figureOfSum(name)]: sum_s };
  for (const [i, bound_s] of durationBounds_s.entries())
    figures[figureOfBucket(name, bound_s)] = buckets[i] ?? 0;
  return figures;
}

/** The histogram in a note's figures; undefined when the service does not tell it. */
export function durationsIn(
  name: DurationName,
  figures: Readonly<Record<string, number>>,
): DurationFigures | undefined {
  const count = figures[figureOfCount(name)];
  const sum_s = figures[figureOfSum(name)];
  if (count === undefined || sum_s === undefined) return undefined;
  return {
    buckets: durationBounds_s.map((bound_s) => figures[figureOfBucket(name, bound_s)] ?? 0),
    count,
    sum_s,
  };
}
