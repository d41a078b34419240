import { describe, expect, it } from 'vitest';
import { runChaos, victimsOf } from './chaos.js';

const kills = 1;
const kafka = { nodes: 3, outage_ms: 5_000 } as const;
const limit_ms = 300_000;

describe('a pipeline on three brokers, struck at random: processes, servers, brokers, lost answers, too few replicas', () => {
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
          kafka,
          report: (line) => lines.push(line),
        });
        expect(result.kills).toBe(kills * victimsOf({ kafka }).length);
        expect(result.committed).toBeGreaterThan(100);
        expect(result.recovery_s).toBeLessThan(60);
      } catch (error) {
        throw new Error(`seed ${seed}: ${lines.join(', ')}`, { cause: error });
      }
    },
    limit_ms,
  );
});
