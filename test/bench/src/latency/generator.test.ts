import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { generate } from './generator.js';

const never = new AbortController().signal;

describe('an open loop', () => {
  it('commits everything due, in order, not before its time', async () => {
    const started_ms = performance.now();
    const at_ms: number[] = [];
    const told: number[] = [];
    const generated = await generate({
      schedule: [10, 20, 40],
      commit: async () => {
        at_ms.push(performance.now() - started_ms);
      },
      onCommitted: (index) => told.push(index),
      signal: never,
    });
    expect(told).toEqual([0, 1, 2]);
    expect(generated.commits).toBe(3);
    for (const [i, due_ms] of [10, 20, 40].entries()) expect(at_ms[i]).toBeGreaterThanOrEqual(due_ms - 1.5);
  });

  it('drops nothing when the leader is slow, and tells how late it was', async () => {
    const schedule = Array.from({ length: 10 }, (_, i) => i);
    const generated = await generate({
      schedule,
      commit: () => sleep(10),
      onCommitted: () => undefined,
      signal: never,
    });
    expect(generated.commits).toBe(10);
    expect(generated.late).toBeGreaterThanOrEqual(8);
    expect(generated.worstLate_ms).toBeGreaterThan(60);
  });
});
