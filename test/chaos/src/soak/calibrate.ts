import { setTimeout as sleep } from 'node:timers/promises';
import type { Probe } from './probe.js';
import { median } from './robust.js';
import type { SoakLoad } from './soak-load.js';
import { askMonitor } from './status-watch.js';

const first_per_s = 25;
const factor = 1.4;
const most_per_s = 2_000;
const step_ms = 6_000;
/** Of a step: the rate of before works itself off. */
const settle_ms = 2_000;
const achievedShare_min = 0.93;
const probes_min = 8;
const latency_ms_max = 400;
const staleness_s_max = 2;
/** Over what the first, easy rate shows: reports of positions have a rhythm of their own, and machines differ. */
const latencyOverFirst_max = 4;
const stalenessOverFirst_s = 1.5;

/** One rate that was tried. */
export interface Tried {
  readonly rate_per_s: number;
  readonly achieved_per_s: number;
  /** Median commit-to-visible, milliseconds; null while none was seen. */
  readonly latency_ms: number | null;
  /** Of the follower that is furthest behind, seconds; null where unknown. */
  readonly staleness_s: number | null;
}

export interface CalibrationStep extends Tried {
  readonly sustained: boolean;
}

/** Raises the rate until a part falls behind: the leader under its load, capture, or a follower. Returns every step. */
export async function calibrate(
  load: SoakLoad,
  probe: Probe,
  monitorUrl: string,
  report: (line: string) => void,
): Promise<readonly CalibrationStep[]> {
  const steps: CalibrationStep[] = [];
  for (let rate = first_per_s; rate <= most_per_s; rate = Math.round(rate * factor)) {
    const tried = await tryRate(rate, load, probe, monitorUrl);
    const step = { ...tried, sustained: isSustained(tried, steps[0] ?? tried) };
    steps.push(step);
    report(
      `calibration: ${rate}/s: achieved ${step.achieved_per_s}/s, latency ${step.latency_ms} ms, furthest behind ${step.staleness_s} s`,
    );
    if (!step.sustained) break;
  }
  return steps;
}

/** The highest rate that everything kept up with. */
export const sustained = (steps: readonly CalibrationStep[]): number =>
  Math.max(0, ...steps.filter((step) => step.sustained).map(({ achieved_per_s }) => achieved_per_s));

async function tryRate(rate_per_s: number, load: SoakLoad, probe: Probe, url: string): Promise<Tried> {
  load.rate_per_s = rate_per_s;
  await sleep(settle_ms);
  const [commits, from_ms] = [load.commits, Date.now()];
  await sleep(step_ms - settle_ms);
  load.assertRunning();
  const achieved_per_s = Math.round(((load.commits - commits) * 1_000) / (Date.now() - from_ms));
  const latency_ms = median(probe.latest(probes_min, from_ms) ?? []) ?? null;
  const status = await askMonitor(url);
  const ages = status?.followers.map(({ staleness_s }) => staleness_s) ?? [];
  const staleness_s = ages.length === 0 || ages.includes(null) ? null : Math.max(...ages.map(Number));
  return { rate_per_s, achieved_per_s, latency_ms, staleness_s };
}

/** The load was carried, and nothing was further behind than at the first rate, give or take. */
export function isSustained(step: Tried, first: Tried): boolean {
  const { rate_per_s, achieved_per_s, latency_ms, staleness_s } = step;
  if (achieved_per_s < rate_per_s * achievedShare_min || latency_ms === null || staleness_s === null)
    return false;
  return (
    latency_ms <= Math.max(latency_ms_max, (first.latency_ms ?? 0) * latencyOverFirst_max) &&
    staleness_s <= Math.max(staleness_s_max, (first.staleness_s ?? 0) + stalenessOverFirst_s)
  );
}
