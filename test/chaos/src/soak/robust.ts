/** Statistics that a few outliers do not move. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Value below which `share` (0 to 1) of the values lie, by nearest rank. Undefined for none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? sorted[0];
}

export const median = (values: readonly number[]): number | undefined => quantile(values, 0.5);

/** The median of the slopes between all pairs of points (Theil–Sen), in y per x. Undefined for fewer than two. */
export function theilSen(points: readonly Point[]): number | undefined {
  const slopes: number[] = [];
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) if (b.x !== a.x) slopes.push((b.y - a.y) / (b.x - a.x));
  }
  return median(slopes);
}

/** One point per `width` of x, at its middle, with the median y: what a slope is taken of when points are many. */
export function thinned(points: readonly Point[], width: number): Point[] {
  const bins = new Map<number, number[]>();
  for (const { x, y } of points) {
    const bin = Math.floor(x / width);
    const values = bins.get(bin) ?? [];
    values.push(y);
    bins.set(bin, values);
  }
  return [...bins].map(([bin, values]) => ({ x: (bin + 0.5) * width, y: median(values) as number }));
}

/** First and last third of a list, in order. */
export function outerThirds<T>(list: readonly T[]): {
  readonly first: readonly T[];
  readonly last: readonly T[];
} {
  const third = Math.floor(list.length / 3);
  return { first: list.slice(0, third), last: third === 0 ? [] : list.slice(-third) };
}
