import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Comparison, idOf, type RunOptions, tiers } from './comparison/comparison.js';
import { plainTable } from './report/plain-table.js';
import { merge, readResults, writeResults } from './results/results.js';
import { runComparison } from './run-comparison.js';
import { suite } from './suite.js';

const usage = `pnpm bench [tier] [workload] [--pairs N] [--scale X] [--peer name] [--out file]
pnpm bench report                 tables of README.md and test/bench/README.md from the published results

  tier       ${tiers.join(', ')}; default all
  workload   W1 to W8; default all
  --pairs    default 5
  --scale    share of the published backlog, default 1
  --peer     only comparisons with this peer
  --out      results file, default test/bench/results/published.json when pairs and scale are a published run's,
             else test/bench/results/trial.json, which git ignores
`;

const published_pairs_min = 5;
const resultsFolder = new URL('../results/', import.meta.url);
const publishedFile = fileURLToPath(new URL('published.json', resultsFolder));
const trialFile = fileURLToPath(new URL('trial.json', resultsFolder));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string', default: String(published_pairs_min) },
    scale: { type: 'string', default: '1' },
    peer: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** Comparisons that the words on the command line name. */
function chosen(words: readonly string[], peer: string | undefined): Comparison[] {
  return suite.filter(
    (comparison) =>
      words.every((word) => [comparison.tier, comparison.workload].some((name) => same(name, word))) &&
      (peer === undefined || comparison.peer === peer),
  );
}

const same = (name: string, word: string): boolean => name.toLowerCase() === word.toLowerCase();

/** Exit code: 0, or 1 when a comparison failed. */
async function measure(
  comparisons: readonly Comparison[],
  options: RunOptions,
  out: string,
): Promise<number> {
  const order = suite.map(idOf);
  let failed = 0;
  for (const comparison of comparisons) {
    if (options.signal.aborted) break;
    const id = idOf(comparison);
    const say = (line: string): void => options.say(`${id}: ${line}`);
    const result = await runComparison(comparison, { ...options, say });
    if (result.error !== undefined) {
      failed++;
      say(`failed: ${result.error}`);
    }
    // Read again each time: somebody else may have repeated another comparison meanwhile.
    writeResults(out, merge(readResults(out), result, order));
  }
  const ids = new Set(comparisons.map(idOf));
  process.stdout.write(plainTable(readResults(out).comparisons.filter(({ id }) => ids.has(id))));
  return failed > 0 || options.signal.aborted ? 1 : 0;
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      process.stderr.write('ending: removing servers and processes\n');
      controller.abort();
    });
  }
  return controller.signal;
}

async function main(): Promise<number> {
  const comparisons = chosen(positionals, values.peer);
  const pairs = Number(values.pairs);
  const scale = Number(values.scale);
  const valid = Number.isInteger(pairs) && pairs > 0 && scale > 0;
  if (values.help || !valid || comparisons.length === 0) {
    const list = suite.map((comparison) => `  ${idOf(comparison)}`).join('\n');
    process.stderr.write(`${usage}\nComparisons:\n${list}\n`);
    return values.help ? 0 : 64;
  }
  const publishable = pairs >= published_pairs_min && scale === 1;
  const out = values.out ?? (publishable ? publishedFile : trialFile);
  const say = (line: string): void => {
    process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  };
  return measure(comparisons, { pairs, scale, say, signal: interruption() }, out);
}

process.exitCode = await main();
