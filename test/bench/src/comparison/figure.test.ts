import { describe, expect, it } from 'vitest';
import { atMost, type Figure, ratioAtLeast, ratioAtMost, summariseFigure } from './figure.js';

const figure = (subject: number[], peer: number[] | undefined, goal: Figure['goal']): Figure => ({
  name: 'drain rate',
  unit: 'events/s',
  ...(goal && { goal }),
  samples: { subject, ...(peer && { peer }) },
});

describe('a goal', () => {
  it('of a ratio is met by the median of the pairs’ ratios, not by the ratio of the medians', () => {
    const { ratio, met } = summariseFigure(figure([10, 20, 90], [10, 40, 100], ratioAtLeast(0.9)));
    expect(ratio).toEqual({ median: 0.9, min: 0.5, max: 1 });
    expect(met).toBe(true);
  });

  it('may be an upper bound', () => {
    expect(summariseFigure(figure([15], [100], ratioAtMost(0.15))).met).toBe(true);
    expect(summariseFigure(figure([16], [100], ratioAtMost(0.15))).met).toBe(false);
  });

  it('of the subject does not look at the peer', () => {
    expect(summariseFigure(figure([0.7], [0.1], atMost(0.8))).met).toBe(true);
    expect(summariseFigure(figure([0.9], undefined, atMost(0.8))).met).toBe(false);
  });

  it('has no ratio to a peer that has not what is measured', () => {
    const summary = summariseFigure(figure([130, 140], [0, 0], atMost(300)));
    expect(summary).toMatchObject({ peer: undefined, ratio: undefined, met: true });
    expect(summariseFigure(figure([5, 4], [1, 0], atMost(300))).peer).toBeDefined();
  });

  it('is not met by nothing, and without one there is no verdict', () => {
    expect(summariseFigure(figure([], undefined, atMost(0.8))).met).toBe(false);
    expect(summariseFigure(figure([1], [1], undefined)).met).toBeUndefined();
  });
});
