import type { ProbeSeen } from './probe.js';
import { median, outerThirds, quantile } from './robust.js';
import { type Finding, judged, tooShort } from './verdict.js';

/** A stretch of the run in which something other than replication was the matter: a fault and its recovery, a look. */
export interface Disturbed {
  readonly from_ms: number;
  readonly to_ms: number;
}

/** Commit-to-visible over one interval, milliseconds. */
export interface LatencyFigures {
  readonly probes: number;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly max_ms: number | null;
  readonly quiet: { readonly probes: number; readonly p50_ms: number | null; readonly p99_ms: number | null };
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
    quiet: { probes: quiet.length, p50_ms: of(quiet, 0.5), p99_ms: of(quiet, 0.99) },
  };
}

const intervals_min = 6;
const quietProbes_min = 20;
/** From the first third to the last; and what a poll and a scheduler add on a machine of two cores. */
const growth_max = { p50: 1.5, p99: 2 } as const;
const room_ms = { p50: 15, p99: 80 } as const;

/** Flat latency: medians of the quiet figures of the first and of the last third of the run. */
export function judgeLatency(intervals: readonly LatencyFigures[]): Finding[] {
  const quiet = intervals.filter((each) => each.quiet.probes >= quietProbes_min).map((each) => each.quiet);
  return (['p50', 'p99'] as const).map((which) => {
    const name = `quiet ${which} of commit-to-visible is flat`;
    const { first, last } = outerThirds(quiet.map((each) => each[`${which}_ms`] ?? 0));
    const [before = 0, after = 0] = [median(first), median(last)];
    const detail = `first third ${before} ms, last ${after} ms (${quiet.length} intervals)`;
    if (quiet.length < intervals_min) return tooShort(name, detail);
    return judged(name, after <= before * growth_max[which] + room_ms[which], detail);
  });
}
