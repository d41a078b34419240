import { parseArgs } from 'node:util';
import { mutants } from './mutants/mutants.js';
import { type Outcome, type SimulateOptions, simulate } from './simulate.js';

/** Seeds that may fail before the command gives up. */
const failures_max = 5;
const transcriptTail = 200;

/** Options of one run; with `--mutant R8` that rule is switched off. */
function optionsOf(name: string | undefined): SimulateOptions {
  const mutant = mutants.find(({ rule }) => rule === name);
  return mutant ? { doubles: mutant.doubles, fixed: mutant.fixed ?? {} } : {};
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    mutant: { type: 'string' },
  },
});

if (values.seed === undefined) await many(Number(values.first), Number(values.seeds));
else await one(Number(values.seed));

async function one(seed: number): Promise<void> {
  const outcome = await simulate(seed, { ...optionsOf(values.mutant), transcript: true });
  const { transcript } = outcome;
  console.log((values.verbose ? transcript : transcript.slice(-transcriptTail)).join('\n'));
  console.log(describe(outcome));
  process.exitCode = outcome.violation ? 1 : 0;
}

async function many(first: number, count: number): Promise<void> {
  const began_ms = performance.now();
  const totals = { commits: 0, records: 0, void: 0, checks: 0, virtual_ms: 0 };
  let failures = 0;
  for (let seed = first; seed < first + count && failures < failures_max; seed++) {
    const outcome = await simulate(seed, optionsOf(values.mutant));
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += outcome.figures[name];
    if (!outcome.violation) continue;
    failures++;
    console.log(describe(outcome));
  }
  const took_s = (performance.now() - began_ms) / 1000;
  console.log(
    `${count} seeds in ${took_s.toFixed(1)} s: ${totals.commits} commits, ${totals.records} counting records, ${totals.void} void ones, ${totals.checks} followers judged, ${(totals.virtual_ms / 3_600_000).toFixed(1)} hours of virtual time, ${failures} failed`,
  );
  process.exitCode = failures > 0 ? 1 : 0;
}

function describe({ seed, violation, stops, scenario }: Outcome): string {
  if (!violation) return `seed ${seed} holds${stops.length > 0 ? ` (stopped with ${stops.join(', ')})` : ''}`;
  const shown = JSON.stringify(scenario, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return `seed ${seed} fails: ${violation.message}\n  ${shown}\n  run it again: pnpm simulate --seed ${seed}`;
}
