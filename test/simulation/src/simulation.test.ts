import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';

/** `SIMULATION_SEEDS` and `SIMULATION_FIRST` run others; the command `pnpm simulate` runs as many as one likes. */
const seeds = Number(process.env.SIMULATION_SEEDS ?? 1_000);
const first = Number(process.env.SIMULATION_FIRST ?? 1);
const batch = 100;
/** Of one batch; far more than it takes, since machines are shared. */
const timeout_ms = 120_000;

describe('The whole pipeline under faults', () => {
  for (let from = first; from < first + seeds; from += batch) {
    it(`keeps its invariants: seeds ${from} to ${from + batch - 1}`, { timeout: timeout_ms }, async () => {
      for (let seed = from; seed < from + batch; seed++) {
        const { violation } = await simulate(seed);
        if (violation) expect.fail(`${violation.message}\nrun it again: pnpm simulate --seed ${seed}`);
      }
    });
  }

  it('is the same run for the same seed', async () => {
    const [one, other] = [await simulate(7, { transcript: true }), await simulate(7, { transcript: true })];
    expect(one.transcript.length).toBeGreaterThan(20);
    expect(other.transcript).toEqual(one.transcript);
  });

  it('meets what it is there for: takeovers, void records, restores, loud stops', {
    timeout: timeout_ms,
  }, async () => {
    const stops = new Set<string>();
    let voidRecords = 0;
    for (let seed = 1; seed <= 80; seed++) {
      const outcome = await simulate(seed);
      for (const code of outcome.stops) stops.add(code);
      voidRecords += outcome.figures.void;
    }
    expect(voidRecords).toBeGreaterThan(0);
    expect([...stops].length).toBeGreaterThan(1);
  });
});
