import type { ProbeSeen } from './probe.js';
import { median, outerThirds, quantile } from './robust.js';
import { type Finding, judged, tooShort } from './verdict.js';

/** A stretch of the run in which something other than replication was the matter: a fault and its recovery, a look. */
export interface Disturbed {
  readonly from_ms: number;
  readonly to_ms: number;
}

/** Outside of what disturbed it. */
export interface QuietFigures {
  readonly probes: number;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  /** Of the commits themselves on the leader. */
  readonly commit_p50_ms: number | null;
}

/** Commit-to-visible over one interval, milliseconds. */
export interface LatencyFigures {
  readonly probes: number;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly max_ms: number | null;
  readonly quiet: QuietFigures;
}

export function latencyBetween(
  seen: readonly ProbeSeen[],
  { from_ms, to_ms }: Disturbed,
  disturbed: readonly Disturbed[],
): LatencyFigures {
  const all = seen.filter(({ committed_ms }) => committed_ms >= from_ms && committed_ms < to_ms);
  const quiet = all.filter(
    ({ committed_ms: at }) => !disturbed.some((each) => at >= each.from_ms && at < each.to_ms),
  );
  const of = (list: readonly ProbeSeen[], share: number): number | null =>
    quantile(
      list.map(({ latency_ms }) => latency_ms),
      share,
    ) ?? null;
  return {
    probes: all.length,
    p50_ms: of(all, 0.5),
    p99_ms: of(all, 0.99),
    max_ms: of(all, 1),
    quiet: {
      probes: quiet.length,
      p50_ms: of(quiet, 0.5),
      p99_ms: of(quiet, 0.99),
      commit_p50_ms: median(quiet.map(({ commit_ms }) => Math.round(commit_ms * 10) / 10)) ?? null,
    },
  };
}

const intervals_min = 6;
/**
 * Fifteen seconds. Where a look took a whole interval, three are left before the next fault, and what the look's own work put off
 * is caught up in them.
 */
const quietProbes_min = 100;
/** A trend of less says more about the machine's other work than about ours. */
const run_s_min = 600;
/** From the first third to the last; and what a poll and a scheduler add on a machine of two cores. */
const growth_max = { p50: 1.5, p99: 2 } as const;
const room_ms = { p50: 15, p99: 80 } as const;

/**
 * Flat latency: medians of the quiet figures of the first and of the last third of the run. Where the leader's own commits took
 * longer in the last third, by that factor more: the machine was busy.
 */
export function judgeLatency(intervals: readonly LatencyFigures[], run_s: number): Finding[] {
  const quiet = intervals.filter((each) => each.quiet.probes >= quietProbes_min).map((each) => each.quiet);
  const commits = outerThirds(quiet.map(({ commit_p50_ms }) => commit_p50_ms ?? 0));
  const [commitBefore = 0, commitAfter = 0] = [median(commits.first), median(commits.last)];
  const busier = commitBefore > 0 ? Math.max(1, commitAfter / commitBefore) : 1;
  return (['p50', 'p99'] as const).map((which) => {
    const name = `quiet ${which} of commit-to-visible is flat`;
    const { first, last } = outerThirds(quiet.map((each) => each[`${which}_ms`] ?? 0));
    const [before = 0, after = 0] = [median(first), median(last)];
    const detail = `first third ${before} ms, last ${after} ms (${quiet.length} intervals); commits on the leader ${commitBefore} ms and ${commitAfter} ms`;
    if (quiet.length < intervals_min || run_s < run_s_min) return tooShort(name, detail);
    return judged(name, after <= before * growth_max[which] * busier + room_ms[which], detail);
  });
}
