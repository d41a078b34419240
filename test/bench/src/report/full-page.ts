import type { Tier } from '../comparison/comparison.js';
import type { Machine } from '../results/machine.js';
import type { ComparisonResult, Results } from '../results/results.js';
import { rowsOf } from './figure-row.js';
import { markdownTable } from './markdown.js';
import { explanations } from './summary-page.js';

const tierTitles: Readonly<Record<Tier, string>> = {
  T1: 'T1: receive, decode, encode, discard',
  T2: 'T2: durable in the embedded log',
  T3: 'T3: durable in Kafka',
  T4: 'T4: visible in a follower',
  latency: 'Latency: commit to visible',
  footprint: 'Footprint: idle, memory, the leader with us attached',
};
const gibibyte = 1024 ** 3;

/** Everything of a results file but the single drains. `suite`: ids of all comparisons, measured or not. */
export function fullPage(
  results: Results,
  limits: Readonly<Record<string, string>>,
  suite: readonly string[],
): string {
  const { comparisons } = results;
  if (comparisons.length === 0) return 'No published run yet.';
  const tiers = [...new Set(comparisons.map(({ tier }) => tier))];
  const missing = suite.filter((id) => !comparisons.some((result) => result.id === id));
  return [
    ...tiers.map((tier) => section(tier, results, limits)),
    missing.length === 0 ? [] : [`Not measured yet: ${missing.join('; ')}.`],
    conditions(comparisons),
  ]
    .flat()
    .join('\n\n');
}

function section(tier: Tier, results: Results, limits: Readonly<Record<string, string>>): string[] {
  const comparisons = results.comparisons.filter((result) => result.tier === tier);
  const rows = rowsOf(comparisons);
  const table = markdownTable(
    ['workload', 'figure', 'subject', '', 'peer', '', 'ratio', 'goal', ''],
    rows.map(({ result, figure, subject, peer, ratio, goal, summary }) => [
      result.workload,
      figure.name,
      result.subject,
      subject,
      result.peer ?? '',
      peer,
      ratio,
      goal,
      summary.met === undefined ? '' : summary.met ? 'met' : '**missed**',
    ]),
  );
  const failures = comparisons.flatMap(({ id, error }) =>
    error === undefined ? [] : [`- ${id} failed: ${error}`],
  );
  return [
    `### ${tierTitles[tier]}`,
    ...(rows.length > 0 ? [table] : []),
    ...(failures.length > 0 ? [failures.join('\n')] : []),
    ...explanations(rows, limits),
  ];
}

/** Workloads, contestants, machines and commits, each said once. */
function conditions(comparisons: readonly ComparisonResult[]): string[] {
  const workloads = unique(comparisons.map(({ workload, title }) => `- ${workload}: ${title}`));
  const contestants = unique(comparisons.flatMap(contestantsOf));
  const runs = comparisons.map(
    ({ id, date, commit, pairs, scale, loadBefore }) =>
      `- ${id}: ${date.slice(0, 10)}, commit ${commit}, ${pairs} pairs${scale === 1 ? '' : `, scale ${scale}`}, load before ${loadBefore.toFixed(2)}`,
  );
  const machines = unique(
    comparisons.map(({ machine, versions }) => `- ${inWords(machine)}; ${versionsOf(versions)}`),
  );
  return [
    '### Workloads',
    workloads.join('\n'),
    '### Contestants',
    contestants.join('\n'),
    '### Machine',
    machines.join('\n'),
    '### Runs',
    runs.join('\n'),
  ];
}

function contestantsOf({ tier, subject, peer, described }: ComparisonResult): string[] {
  if (!described) return [];
  return [
    `- ${tier} ${subject}: ${described.subject}`,
    ...(peer === undefined || described.peer === undefined ? [] : [`- ${tier} ${peer}: ${described.peer}`]),
  ];
}

const versionsOf = (versions: Readonly<Record<string, string>>): string =>
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

const inWords = ({ cpu, cores, memory_bytes, disk, system }: Machine): string =>
  `${cpu}, ${cores} cores, ${(memory_bytes / gibibyte).toFixed(0)} GiB, ${disk}, ${system}`;

const unique = (lines: readonly string[]): string[] => [...new Set(lines)];
