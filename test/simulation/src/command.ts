import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka } from '@millrace/local-kafka';
import { inLanes } from './kafka/lanes.js';
import { simulateOnKafka } from './kafka/simulate-on-kafka.js';
import { mutants } from './mutants/mutants.js';
import { type Outcome, type SimulateOptions, simulate } from './simulate.js';

/** Seeds that may fail before the command gives up. */
const failures_max = 5;
const transcriptTail = 200;
/** Trouble of a mutant's seeds on brokers, in virtual milliseconds: long, since takeovers are what shows most rules. */
const mutantTrouble_ms = 1_500;
/** Seeds at a time on brokers. */
const lanes = 4;

/** Options of one run; with `--mutant R8` that rule is switched off. */
function optionsOf(name: string | undefined): SimulateOptions {
  const mutant = mutants.find(({ rule }) => rule === name);
  if (name !== undefined && !mutant)
    throw new Error(
      `no rule "${name}" to switch off; there are ${mutants.map(({ rule }) => rule).join(', ')}`,
    );
  return mutant ? { doubles: mutant.doubles, fixed: mutant.fixed ?? {} } : {};
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    kafka: { type: 'string' },
  },
});

/** Seeds that are run when nobody says how many. */
const seeds_default = { memory: 1_000, kafka: 20 } as const;

function show(outcome: Outcome): void {
  const { transcript } = outcome;
  console.log((values.verbose ? transcript : transcript.slice(-transcriptTail)).join('\n'));
  console.log(describe(outcome));
  process.exitCode = outcome.violation ? 1 : 0;
}

/** With the log in the brokers of MILLRACE_KAFKA_BROKERS, or in a cluster of our own of one node or of three. */
async function onKafka(nodes: string): Promise<void> {
  if (nodes !== '1' && nodes !== '3') throw new Error('--kafka takes 1 or 3, the number of brokers');
  const given = process.env.MILLRACE_KAFKA_BROKERS;
  const cluster = given ? undefined : await startKafka({ nodes: nodes === '1' ? 1 : 3 });
  try {
    await onBrokers(given ? given.split(',').map((address) => address.trim()) : (cluster?.brokers ?? []));
  } finally {
    await cluster?.remove();
  }
}

async function onBrokers(brokers: readonly string[]): Promise<void> {
  const { fixed, ...others } = optionsOf(values.mutant);
  const options = {
    ...others,
    ...(fixed && { fixed: { trouble_ms: mutantTrouble_ms, ...fixed } }),
    brokers,
    transcript: true,
  };
  if (values.seed !== undefined) return show(await simulateOnKafka(Number(values.seed), options));
  const began_ms = performance.now();
  const totals = noTotals();
  let failures = 0;
  let stopped = 0;
  const count = Number(values.seeds ?? seeds_default.kafka);
  await inLanes(
    { first: Number(values.first), count, lanes },
    async (seed) => {
      const outcome = await simulateOnKafka(seed, options);
      add(totals, outcome);
      if (outcome.stops.length > 0) stopped++;
      if (!outcome.violation) return;
      failures++;
      const story = join(tmpdir(), `simulation-${process.pid}-seed-${seed}.log`);
      writeFileSync(story, outcome.transcript.join('\n'));
      console.log(`${describe(outcome)} (another course: times are real)\n  its story: ${story}`);
    },
    () => failures >= failures_max,
  );
  const took_s = (performance.now() - began_ms) / 1000;
  console.log(
    `${count} seeds in ${took_s.toFixed(1)} s: ${shown(totals)}, ${stopped} stopped loudly after something was destroyed, ${failures} failed`,
  );
  process.exitCode = failures > 0 ? 1 : 0;
}

type Totals = Record<keyof Outcome['figures'], number>;

const noTotals = (): Totals => ({ commits: 0, records: 0, void: 0, checks: 0, virtual_ms: 0 });

function add(totals: Totals, { figures }: Outcome): void {
  for (const name of Object.keys(totals) as (keyof Totals)[]) totals[name] += figures[name];
}

const shown = ({ commits, records, void: ignored, checks }: Totals): string =>
  `${commits} commits, ${records} counting records, ${ignored} void ones, ${checks} followers judged`;

async function many(first: number, count: number): Promise<void> {
  const began_ms = performance.now();
  const totals = noTotals();
  let failures = 0;
  for (let seed = first; seed < first + count && failures < failures_max; seed++) {
    const outcome = await simulate(seed, optionsOf(values.mutant));
    add(totals, outcome);
    if (!outcome.violation) continue;
    failures++;
    console.log(describe(outcome));
  }
  const took_s = (performance.now() - began_ms) / 1000;
  console.log(
    `${count} seeds in ${took_s.toFixed(1)} s: ${shown(totals)}, ${(totals.virtual_ms / 3_600_000).toFixed(1)} hours of virtual time, ${failures} failed`,
  );
  process.exitCode = failures > 0 ? 1 : 0;
}

function describe({ seed, violation, stops, scenario }: Outcome): string {
  if (!violation) return `seed ${seed} holds${stops.length > 0 ? ` (stopped with ${stops.join(', ')})` : ''}`;
  const shown = JSON.stringify(scenario, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return `seed ${seed} fails: ${violation.message}\n  ${shown}\n  run it again: pnpm simulate${values.kafka ? ` --kafka ${values.kafka}` : ''} --seed ${seed}`;
}

if (values.kafka !== undefined) await onKafka(values.kafka);
else if (values.seed === undefined)
  await many(Number(values.first), Number(values.seeds ?? seeds_default.memory));
else show(await simulate(Number(values.seed), { ...optionsOf(values.mutant), transcript: true }));
