/** When commits are due, in milliseconds from the start: decided before anything runs, so that slowness cannot move it. */
export type Schedule = readonly number[];

export interface ScheduleOptions {
  readonly commitsPerSecond: number;
  readonly seconds: number;
  /** Any integer; the same seed gives the same schedule, so both contestants of a pair meet the same arrivals. */
  readonly seed: number;
}

/** Poisson arrivals: independent of each other and of us, as those of many users. */
export function poissonSchedule({ commitsPerSecond, seconds, seed }: ScheduleOptions): Schedule {
  const random = mulberry32(seed);
  const due: number[] = [];
  const mean_ms = 1_000 / commitsPerSecond;
  for (let at_ms = gap(); at_ms < seconds * 1_000; at_ms += gap()) due.push(at_ms);
  return due;

  function gap(): number {
    return -Math.log(1 - random()) * mean_ms;
  }
}

/** A small generator of known quality (T. Ettinger, public domain): numbers from 0 up to, not including, 1. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
