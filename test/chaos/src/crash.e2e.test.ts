import { describe, expect, it } from 'vitest';
import { runChaos, victimsOf } from './chaos.js';

const kills = 2;
const limit_ms = 240_000;

describe('a pipeline whose processes and servers are killed at random', () => {
  it(
    'neither loses, doubles, tears nor reorders a transaction in any follower',
    async () => {
      const lines: string[] = [];
      const seed = Date.now() % 1_000_000;
      try {
        const result = await runChaos({
          version: 18,
          kills,
          seed,
          clients: 3,
          pause_ms: 10,
          report: (line) => lines.push(line),
        });
        expect(result.kills).toBe(kills * victimsOf({}).length);
        expect(result.committed).toBeGreaterThan(100);
        expect(result.observations).toBeGreaterThan(victimsOf({}).length);
      } catch (error) {
        throw new Error(`seed ${seed}: ${lines.join(', ')}`, { cause: error });
      }
    },
    limit_ms,
  );
});
