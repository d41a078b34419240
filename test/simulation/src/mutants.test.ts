import { describe, expect, it } from 'vitest';
import { type Mutant, mutants } from './mutants/mutants.js';
import { simulate } from './simulate.js';

/** A rule that matters shows within so many seeds. */
const seeds_max = 400;

describe('The simulation notices when a rule is switched off', () => {
  for (const mutant of mutants.filter(({ rare }) => !rare)) {
    it(`${mutant.rule}: ${mutant.broken}`, async () => {
      const found = await firstFailing(mutant);
      expect(found, `no violation in ${seeds_max} seeds`).toBeDefined();
    }, 120_000);
  }
});

async function firstFailing(mutant: Mutant): Promise<number | undefined> {
  const { doubles, fixed = {}, first = 1 } = mutant;
  for (let seed = first; seed < first + seeds_max; seed++) {
    const { violation } = await simulate(seed, { doubles, fixed });
    if (!violation) continue;
    // What fails with every rule in force proves nothing about this one.
    const control = await simulate(seed, { fixed });
    expect(control.violation, `seed ${seed} fails without the double`).toBeUndefined();
    return seed;
  }
  return undefined;
}
