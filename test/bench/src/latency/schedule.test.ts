import { describe, expect, it } from 'vitest';
import { poissonSchedule } from './schedule.js';

describe('a schedule of arrivals', () => {
  const options = { commitsPerSecond: 50, seconds: 400, seed: 7 };

  it('has the rate asked for', () => {
    const { length } = poissonSchedule(options);
    expect(length).toBeGreaterThan(19_400);
    expect(length).toBeLessThan(20_600);
  });

  it('is the same for the same seed, another for another', () => {
    expect(poissonSchedule(options)).toEqual(poissonSchedule(options));
    expect(poissonSchedule(options)).not.toEqual(poissonSchedule({ ...options, seed: 8 }));
  });

  it('runs forwards, within its time', () => {
    const due = poissonSchedule(options);
    expect(due.every((at_ms, i) => at_ms >= (due[i - 1] ?? 0))).toBe(true);
    expect(due.at(-1)).toBeLessThan(400_000);
  });

  it('bunches as independent arrivals do: gaps deviate as much as they last', () => {
    const due = poissonSchedule(options);
    const gaps = due.slice(1).map((at_ms, i) => at_ms - (due[i] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  });
});
