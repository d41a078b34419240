import { durationBounds_s } from '@millrace/runtime';
import { changeOps, type DurationName, durationsIn, figureOfChange } from '../board/service-figures.js';
import type { EdgeView, Verdict } from '../verdict/verdict.js';

/**
 * The series that services count themselves, since their start, and tell in their notes: Prometheus' text format, written
 * here because prom-client's counters only count up by what this process saw. A silent or stopped service's last counters
 * are still true counters; Prometheus sees them stand still. What it held then is not what it holds now: its gauges end.
 */
export function serviceMetrics(pipeline: string, verdict: Verdict): string {
  const edges = [verdict.capture, ...verdict.followers].filter((edge) => edge.note !== undefined);
  const living = edges.filter((edge) => !edge.silent && edge.note?.state !== 'stopped');
  return [
    family('millrace_changes_total', 'counter', 'Changes that capture has read, by operation.', () =>
      edges.flatMap((edge) =>
        changeOps.flatMap((op) => sample({ pipeline, op }, figure(edge, figureOfChange(op)))),
      ),
    ),
    family('millrace_edge_bytes_total', 'counter', 'Bytes of events that have passed an edge.', () =>
      edges.flatMap((edge) => sample({ pipeline, edge: edge.edge }, figure(edge, 'bytes'))),
    ),
    family('millrace_queue_bytes', 'gauge', 'Bytes that an edge holds in memory.', () =>
      living.flatMap((edge) => sample({ pipeline, edge: edge.edge }, figure(edge, 'held_bytes'))),
    ),
    family('millrace_queue_limit_bytes', 'gauge', 'Bytes at which an edge reads no further.', () =>
      living.flatMap((edge) => sample({ pipeline, edge: edge.edge }, figure(edge, 'held_limit_bytes'))),
    ),
    histogram(
      'millrace_apply_duration_seconds',
      'From the begin of a follower’s transaction to its commit.',
      'apply',
      pipeline,
      edges,
    ),
    histogram(
      'millrace_end_to_end_latency_seconds',
      'From the commit on the leader to that in the follower.',
      'latency',
      pipeline,
      edges,
    ),
  ].join('');
}

type Labels = Readonly<Record<string, string>>;
/** Suffix of the name, labels and value of one line. */
type Line = readonly [suffix: string, labels: Labels, value: number];

const figure = (edge: EdgeView, name: string): number | undefined => edge.note?.figures[name];

/** What is unknown is absent. */
const sample = (labels: Labels, value: number | undefined): Line[] =>
  value === undefined ? [] : [['', labels, value]];

function family(name: string, type: string, help: string, lines: () => Line[]): string {
  const text = lines().map(([suffix, labels, value]) => `${name}${suffix}${labelsText(labels)} ${value}\n`);
  return text.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${text.join('')}`;
}

function histogram(
  name: string,
  help: string,
  duration: DurationName,
  pipeline: string,
  edges: readonly EdgeView[],
): string {
  return family(name, 'histogram', help, () =>
    edges.flatMap(({ edge, note }): Line[] => {
      const told = note && durationsIn(duration, note.figures);
      if (!told) return [];
      const labels = { pipeline, follower: edge };
      return [
        ...durationBounds_s.map((bound_s, i): Line => {
          return ['_bucket', { ...labels, le: String(bound_s) }, told.buckets[i] ?? 0];
        }),
        ['_bucket', { ...labels, le: '+Inf' }, told.count],
        ['_sum', labels, told.sum_s],
        ['_count', labels, told.count],
      ];
    }),
  );
}

function labelsText(labels: Labels): string {
  const parts = Object.entries(labels).map(
    ([label, value]) =>
      `${label}="${value.replace(/["\\\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))}"`,
  );
  return `{${parts.join(',')}}`;
}
