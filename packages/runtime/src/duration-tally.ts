/** Upper bounds of a histogram's buckets, in seconds. From fast batches to followers that hang. */
export const durationBounds_s: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/** What a histogram consists of: how many durations were at most each bound (cumulative), how many in all, and their sum. */
export interface DurationFigures {
  readonly buckets: readonly number[];
  readonly count: number;
  readonly sum_s: number;
}

/** Counts durations for a histogram, at no cost per observation but a few comparisons. */
export class DurationTally {
  readonly #buckets = durationBounds_s.map(() => 0);
  #count = 0;
  #sum_s = 0;

  /** Negative durations, from clocks that disagree, count as 0. */
  observe(duration_s: number): void {
    const seconds = Math.max(0, duration_s);
    this.#count += 1;
    this.#sum_s += seconds;
    for (let i = durationBounds_s.length - 1; i >= 0 && seconds <= (durationBounds_s[i] as number); i--)
      this.#buckets[i] = (this.#buckets[i] as number) + 1;
  }

  figures(): DurationFigures {
    return { buckets: [...this.#buckets], count: this.#count, sum_s: this.#sum_s };
  }
}
