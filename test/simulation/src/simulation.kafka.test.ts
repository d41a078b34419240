import { kafkaBrokers } from '@millrace/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { inLanes } from './kafka/lanes.js';
import { simulateOnKafka } from './kafka/simulate-on-kafka.js';
import { type Mutant, mutants } from './mutants/mutants.js';
import type { Scenario } from './scenario.js';

/** `SIMULATION_KAFKA_SEEDS` and `SIMULATION_KAFKA_FIRST` run others; `pnpm simulate --kafka 3 --seeds 200` runs many. */
const count = Number(process.env.SIMULATION_KAFKA_SEEDS ?? 8);
const first = Number(process.env.SIMULATION_KAFKA_FIRST ?? 1);
/** They mostly wait for brokers and for each other. */
const lanes = 4;
const story_lines = 60;
/** Far more than it takes, since machines are shared. */
const timeout_ms = 240_000;
/** A mutant shows within so many seeds, or is not seen. */
const mutantSeeds = 40;

const appendsFail: Partial<Scenario> = {
  append: 0.4,
  crash: 0,
  store: 0,
  nemesis_ms: 0,
  deeds: [],
  finale: undefined,
  slotFirst: true,
  history: 20,
  batch_events: 1_000,
  trouble_ms: 800,
};
/** Rules that a seed or two show, and in what scenario. */
const showing: Readonly<Record<string, Partial<Scenario>>> = {
  R10: { ...appendsFail, append: 0, partitions: 2 },
  R12: appendsFail,
};

let brokers: readonly string[];
beforeAll(async () => {
  brokers = await kafkaBrokers();
}, 120_000);

describe('The whole pipeline under faults, its log in Kafka', () => {
  it(`keeps its invariants: seeds ${first} to ${first + count - 1}`, { timeout: timeout_ms }, async () => {
    let checks = 0;
    await inLanes({ first, count, lanes }, async (seed) => {
      const { violation, transcript, figures } = await simulateOnKafka(seed, { brokers, transcript: true });
      if (violation)
        expect.fail(`seed ${seed}: ${violation.message}\n${transcript.slice(-story_lines).join('\n')}`);
      checks += figures.checks;
    });
    expect(checks).toBeGreaterThan(count);
  });

  for (const [rule, fixed] of Object.entries(showing)) {
    const mutant = mutants.find((one) => one.rule === rule) as Mutant;
    it(`notices when a rule is switched off, ${rule}: ${mutant.broken}`, {
      timeout: timeout_ms,
    }, async () => {
      const found = await firstFailing(mutant, fixed);
      expect(found, `no violation in ${mutantSeeds} seeds`).toBeDefined();
      // What fails with every rule in force proves nothing about this one.
      const control = await simulateOnKafka(found as number, { brokers, fixed });
      expect(control.violation).toBeUndefined();
    });
  }
});

async function firstFailing({ doubles }: Mutant, fixed: Partial<Scenario>): Promise<number | undefined> {
  let found: number | undefined;
  await inLanes(
    { first: 1, count: mutantSeeds, lanes },
    async (seed) => {
      const { violation } = await simulateOnKafka(seed, { brokers, doubles, fixed });
      if (violation) found ??= seed;
    },
    () => found !== undefined,
  );
  return found;
}
