import { describe, expect, it } from 'vitest';
import { comparePairs, ratios, turnsOf } from './pairs.js';

describe('pairs', () => {
  it('go A B, B A, A B', () => {
    const order = turnsOf(3).map(({ pair, side }) => `${pair}${side === 'subject' ? 'A' : 'B'}`);
    expect(order).toEqual(['0A', '0B', '1B', '1A', '2A', '2B']);
  });

  it('are taken one after another, and each sample stands at its pair', async () => {
    let running = 0;
    const taken: string[] = [];
    const samples = await comparePairs(2, async ({ pair, side }) => {
      expect(running++).toBe(0);
      await Promise.resolve();
      running--;
      taken.push(`${side} ${pair}`);
      return taken.length;
    });
    expect(taken).toEqual(['subject 0', 'peer 0', 'peer 1', 'subject 1']);
    expect(samples).toEqual({ subject: [1, 4], peer: [2, 3] });
  });

  it('end with the first failure', async () => {
    const taken: string[] = [];
    const failing = comparePairs(2, async ({ side }) => {
      taken.push(side);
      if (side === 'peer') throw new Error('slot gone');
    });
    await expect(failing).rejects.toThrow('slot gone');
    expect(taken).toEqual(['subject', 'peer']);
  });

  it('yield a ratio each, subject to peer', () => {
    expect(ratios({ subject: [10, 30], peer: [20, 10] })).toEqual([0.5, 3]);
  });
});
