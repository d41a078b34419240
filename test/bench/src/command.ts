import { parseArgs } from 'node:util';
import { type Comparison, idOf, type RunOptions, tiers } from './comparison/comparison.js';
import { writePages } from './report/pages.js';
import { plainTable } from './report/plain-table.js';
import { publishedFile, trialFile } from './results/files.js';
import { kept, merge, readResults, writeResults } from './results/results.js';
import { runComparison } from './run-comparison.js';
import { suite } from './suite.js';

const published_pairs_min = 5;
const usage = `pnpm bench [tier] [workload] [--peer name] [--pairs N] [--scale X] [--out file]
pnpm bench report      tables of README.md and test/bench/README.md from the published results

  tier        ${tiers.join(', ')}; default all
  workload    W1 to W8, or what else is listed below; default all
  --peer      only comparisons with this peer
  --pairs     default ${published_pairs_min}
  --scale     share of the published workload, default 1
  --out       results file; default test/bench/results/published.json for a run with at least ${published_pairs_min}
              pairs at scale 1, else test/bench/results/trial.json, which git ignores
`;
const wrongUsage = 64;
const interruptedExit = 130;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peer: { type: 'string' },
    pairs: { type: 'string', default: String(published_pairs_min) },
    scale: { type: 'string', default: '1' },
    out: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const ids = suite.map(idOf);

function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

/** Comparisons that the words on the command line name. */
function chosen(words: readonly string[], peer: string | undefined): Comparison[] {
  const same = (name: string, word: string): boolean => name.toLowerCase() === word.toLowerCase();
  return suite.filter(
    (comparison) =>
      words.every((word) => same(comparison.tier, word) || same(comparison.workload, word)) &&
      (peer === undefined || comparison.peer === peer),
  );
}

/** Runs them one after another; each result is in the file as soon as it is there. Exit code. */
async function measure(
  comparisons: readonly Comparison[],
  options: RunOptions,
  out: string,
): Promise<number> {
  let failed = false;
  for (const comparison of comparisons) {
    if (options.signal.aborted) break;
    const id = idOf(comparison);
    const result = await runComparison(comparison, {
      ...options,
      say: (line) => options.say(`${id}: ${line}`),
    });
    if (result.error !== undefined) options.say(`${id} failed: ${result.error}`);
    failed ||= result.error !== undefined;
    // Read again each time: another run may have repeated another comparison meanwhile.
    const results = readResults(out);
    writeResults(out, merge(results, kept(results, result, options.signal.aborted), ids));
  }
  const measured = new Set(comparisons.map(idOf));
  process.stdout.write(plainTable(readResults(out).comparisons.filter(({ id }) => measured.has(id))));
  options.say(`results: ${out}`);
  if (out === publishedFile) report();
  return options.signal.aborted ? interruptedExit : failed ? 1 : 0;
}

function report(): void {
  for (const path of writePages(ids)) say(`wrote ${path}`);
}

/** Aborts on the first Ctrl-C or its like; the second ends the process as it stands. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(interruptedExit);
      say('interrupted: removing servers and processes');
      controller.abort();
    });
  }
  return controller.signal;
}

async function main(): Promise<number> {
  if (positionals[0] === 'report') {
    report();
    return 0;
  }
  const comparisons = chosen(positionals, values.peer);
  const pairs = Number(values.pairs);
  const scale = Number(values.scale);
  const valid = Number.isInteger(pairs) && pairs > 0 && scale > 0 && comparisons.length > 0;
  if (values.help || !valid) {
    process.stderr.write(`${usage}\nComparisons:\n${ids.map((id) => `  ${id}\n`).join('')}`);
    return values.help ? 0 : wrongUsage;
  }
  const publishable = pairs >= published_pairs_min && scale === 1;
  const out = values.out ?? (publishable ? publishedFile : trialFile);
  return measure(comparisons, { pairs, scale, say, signal: interruption() }, out);
}

process.exitCode = await main();
