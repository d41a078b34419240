import { describe, expect, it } from 'vitest';
import { runPartitions } from './partitions.js';

const limit_ms = 120_000;

describe('a partitioned follower whose workers join, leave, freeze and die', () => {
  it(
    'is at every look an instant of each key’s own past and complete up to the position it names, and at the end equals the leader',
    async () => {
      const seed = Date.now() % 1_000_000;
      const lines: string[] = [];
      try {
        const result = await runPartitions({
          partitions: 4,
          strikes_ms: 7_000,
          workers_max: 4,
          seed,
          clients: 2,
          report: (line) => lines.push(line),
        });
        expect(result.committed).toBeGreaterThan(50);
        expect(result.barriers).toBeGreaterThan(20);
        expect(result.observations).toBeGreaterThan(5);
      } catch (error) {
        throw new Error(`seed ${seed}: ${lines.join(', ')}`, { cause: error });
      }
    },
    limit_ms,
  );
});
