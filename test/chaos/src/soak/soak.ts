import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../seeded.js';
import { type CalibrationStep, calibrate, sustained } from './calibrate.js';
import { judgeEnd } from './ending.js';
import { planFaults, type SoakFault } from './faults.js';
import { type Disturbed, judgeLatency, type LatencyFigures, latencyBetween } from './latency-verdict.js';
import { judgeCounts, judgeSizes } from './leak-verdict.js';
import { Looks } from './looks.js';
import { figuresOf, judgeMemory, type LifeFigures } from './memory-verdict.js';
import { judgePages, newsOf, openPages, type PageNews } from './pages-verdict.js';
import { Probe } from './probe.js';
import { Sampler, type Settled } from './sampler.js';
import { SoakScene } from './scene.js';
import { SoakLoad } from './soak-load.js';
import { askMonitor, isCaughtUp } from './status-watch.js';
import { strike } from './strike.js';
import { type Finding, judged } from './verdict.js';

export interface SoakOptions {
  readonly minutes: number;
  /** Between two faults, seconds. */
  readonly every_s: number;
  readonly kafka: 1 | 3 | undefined;
  /** Commits per second; undefined: half of what is sustained, found out at the start. */
  readonly rate_per_s: number | undefined;
  readonly seed: number;
  readonly report: (line: string) => void;
}

/** One fault and what came of it. */
export interface SoakStrike {
  readonly fault: string;
  readonly at_s: number;
  /** Until processes were started again and networks healed. */
  readonly lasted_s: number;
  /** From then until everything ran and lag was back; null when it did not come back. */
  readonly recovery_s: number | null;
}

export interface SoakResult {
  readonly seed: number;
  readonly minutes: number;
  readonly kafka: number | null;
  readonly calibration: readonly CalibrationStep[];
  readonly rate_per_s: number;
  readonly achieved_per_s: number;
  readonly observations: number;
  readonly strikes: readonly SoakStrike[];
  readonly latency: readonly LatencyFigures[];
  readonly lives: readonly LifeFigures[];
  readonly settled: readonly Settled[];
  readonly pages: readonly PageNews[];
  readonly findings: readonly Finding[];
}

const probeEvery_ms = 150;
const open_ms_max = 120_000;
const recovery_ms_max = 45_000;
const poll_ms = 250;
/** Lag is back: so few bytes for every edge, so little time for so many probes; more where a slow machine is at its base already. */
const lag_bytes_max = 256 * 1024;
const latency_ms_max = 500;
const latencyOverBase_max = 5;
/** Before the base is known. */
const openLatency_ms_max = 5_000;
const probesBack = 5;
/** What a fault or a look leaves behind in latency. */
const after_ms = 1_500;
/** Before the next fault. */
const settleBefore_ms = 3_000;
const resolve_ms_max = 60_000;
const firstRate_per_s = 20;
const achievedShare_min = 0.97;

/** A pipeline under load for a while, a fault per interval, and a verdict on everything that must not change meanwhile. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  await using scene = await SoakScene.set(options.kafka);
  scene.open();
  const { leader, follower } = scene;
  const probe = new Probe({ leaderUrl: leader.url, followerUrl: follower.url, every_ms: probeEvery_ms });
  const load = new SoakLoad(leader.url, options.rate_per_s ?? firstRate_per_s);
  const run = new SoakRun(scene, probe, load, options);
  try {
    return await run.whole();
  } finally {
    run.sampler.stop();
    await Promise.allSettled([load.stop(), probe.stop()]);
  }
}

class SoakRun {
  readonly sampler: Sampler;
  readonly #scene: SoakScene;
  readonly #probe: Probe;
  readonly #load: SoakLoad;
  readonly #options: SoakOptions;
  readonly #looks: Looks;
  readonly #random: () => number;
  readonly #strikes: SoakStrike[] = [];
  readonly #disturbed: Disturbed[] = [];
  readonly #intervals: Disturbed[] = [];
  readonly #start_ms = Date.now();
  #latency_ms_max = openLatency_ms_max;

  constructor(scene: SoakScene, probe: Probe, load: SoakLoad, options: SoakOptions) {
    this.#scene = scene;
    this.#probe = probe;
    this.#load = load;
    this.#options = options;
    this.#looks = new Looks(scene);
    this.#random = seeded(options.seed);
    this.sampler = new Sampler(scene, this.#start_ms);
  }

  async whole(): Promise<SoakResult> {
    const { minutes, every_s, kafka, seed } = this.#options;
    const calibration = await this.#open();
    const count = Math.max(1, Math.floor((minutes * 60) / every_s) - 1);
    const faults = planFaults({ count, kafka: kafka !== undefined, random: this.#random });
    const { achieved_per_s, findings } = await this.#through(faults);
    const lives = this.sampler.lifetimes.map(figuresOf);
    const latency = this.#latency();
    const { settled } = this.sampler;
    return {
      seed,
      minutes,
      kafka: kafka ?? null,
      calibration,
      rate_per_s: this.#load.rate_per_s,
      achieved_per_s,
      observations: this.#looks.count,
      strikes: this.#strikes,
      latency,
      lives,
      settled,
      pages: this.#news(),
      findings: [
        ...findings,
        ...judgeLatency(latency, minutes * 60),
        ...judgeMemory(lives),
        ...judgeCounts(settled),
        ...judgeSizes(settled, kafka === undefined),
        ...judgePages(this.#news()),
      ],
    };
  }

  /** Waits for the pipeline, and finds the rate of the load. */
  async #open(): Promise<readonly CalibrationStep[]> {
    const { rate_per_s, report } = this.#options;
    if ((await this.#recovered(this.#start_ms, open_ms_max)) === undefined)
      throw new Error(`the pipeline did not come up:\n${this.#outputs()}`);
    const calibration =
      rate_per_s === undefined
        ? await calibrate(this.#load, this.#probe, this.#scene.monitorUrl, report)
        : [];
    this.#load.rate_per_s = rate_per_s ?? Math.max(1, Math.floor(sustained(calibration) / 2));
    report(`the load is ${this.#load.rate_per_s} commits/s`);
    await this.#recovered(Date.now(), open_ms_max);
    return calibration;
  }

  /** All intervals, and the end. A failure is a finding: the figures up to there are what it takes to find out why. */
  async #through(faults: readonly SoakFault[]): Promise<{ achieved_per_s: number; findings: Finding[] }> {
    const [from_ms, before] = [Date.now(), this.#load.commits];
    const findings: Finding[] = [];
    let achieved_per_s = 0;
    try {
      for (const fault of [undefined, ...faults]) await this.#interval(fault);
      const exact = ((this.#load.commits - before) * 1_000) / (Date.now() - from_ms);
      achieved_per_s = Math.round(exact * 10) / 10;
      findings.push(...(await this.#end()));
    } catch (error) {
      const why = error instanceof Error ? `${error.message} ${error.cause ?? ''}` : String(error);
      this.#options.report(`${why}\n${this.#outputs()}`);
      findings.push(judged('the run comes to its end, and the oracle holds', false, why));
    }
    const { rate_per_s } = this.#load;
    const slowest = Math.max(0, ...this.#strikes.map(({ recovery_s }) => recovery_s ?? 0));
    return {
      achieved_per_s,
      findings: [
        judged(
          'the load is carried',
          achieved_per_s >= rate_per_s * achievedShare_min,
          `${achieved_per_s} of ${rate_per_s} commits/s`,
        ),
        judged(
          'everything recovers',
          this.#strikes.every(({ recovery_s }) => recovery_s !== null),
          `slowest after ${slowest.toFixed(1)} s`,
        ),
        ...findings,
      ],
    };
  }

  /** A fault, its recovery, a look, quiet, and a count of everything at the end. */
  async #interval(fault: SoakFault | undefined): Promise<void> {
    const { every_s, report } = this.#options;
    const from_ms = Date.now();
    if (fault) await this.#strike(fault);
    await this.#look();
    await sleep(Math.max(settleBefore_ms, from_ms + every_s * 1_000 - settleBefore_ms - Date.now()));
    this.#scene.pipeline.assertRunning();
    this.#load.assertRunning();
    await this.sampler.settle();
    this.#intervals.push({ from_ms, to_ms: Date.now() });
    const figures = this.#latency().at(-1);
    if (!fault)
      this.#latency_ms_max = Math.max(latency_ms_max, (figures?.quiet.p50_ms ?? 0) * latencyOverBase_max);
    report(
      `  probes ${figures?.probes}: p50 ${figures?.p50_ms} ms, p99 ${figures?.p99_ms} ms, max ${figures?.max_ms} ms; quiet ${figures?.quiet.probes}: p50 ${figures?.quiet.p50_ms} ms, p99 ${figures?.quiet.p99_ms} ms`,
    );
    await sleep(Math.max(0, from_ms + every_s * 1_000 - Date.now()));
  }

  async #strike(fault: SoakFault): Promise<void> {
    const from_ms = Date.now();
    const at_s = this.sampler.at_s;
    const { report } = this.#options;
    report(`strike: ${fault}`);
    await strike(this.#scene, fault, this.#random, async (part) => {
      // The file is nobody's for a moment.
      if (part === 'lake') await this.#looks.lake();
    });
    const healed_ms = Date.now();
    const back_ms = await this.#recovered(healed_ms, recovery_ms_max);
    this.#disturbed.push({ from_ms, to_ms: Date.now() + after_ms });
    const recovery_s = back_ms === undefined ? null : (back_ms - healed_ms) / 1_000;
    this.#strikes.push({ fault, at_s, lasted_s: (healed_ms - from_ms) / 1_000, recovery_s });
    report(`  ${recovery_s === null ? 'did not recover' : `recovered after ${recovery_s.toFixed(1)} s`}`);
    if (recovery_s === null) report(this.#outputs());
  }

  async #look(): Promise<void> {
    const from_ms = Date.now();
    await this.#looks.replica();
    this.#disturbed.push({ from_ms, to_ms: Date.now() + after_ms });
  }

  /** When everything was back after `since_ms`; undefined when that takes too long. */
  async #recovered(since_ms: number, patience_ms: number): Promise<number | undefined> {
    while (Date.now() - since_ms < patience_ms) {
      await sleep(poll_ms);
      this.#scene.pipeline.assertRunning();
      this.#load.assertRunning();
      const latest = this.#probe.latest(probesBack, since_ms);
      if (!latest?.every((latency_ms) => latency_ms <= this.#latency_ms_max)) continue;
      const status = await askMonitor(this.#scene.monitorUrl);
      if (status && Date.parse(status.sampled_at) > since_ms && isCaughtUp(status, lag_bytes_max))
        return Date.now();
    }
    return undefined;
  }

  /** The load ends, everything arrives, pages resolve, the parts stop, and nothing of them stays. */
  async #end(): Promise<Finding[]> {
    const { report } = this.#options;
    report('the load ends');
    await this.#load.stop();
    await this.#probe.stop();
    report('everything arrives');
    await this.#looks.untilCaughtUp();
    report('pages resolve');
    const held = judged('the oracle holds', true, `${this.#looks.count} looks at followers`);
    const deadline_ms = Date.now() + resolve_ms_max;
    while (Date.now() < deadline_ms && !(await this.#isCalm())) await sleep(poll_ms);
    const pids = this.sampler.lifetimes.map(({ pid }) => pid);
    return [held, ...(await judgeEnd(this.#scene, pids, () => this.sampler.readers()))];
  }

  /** Everything runs, no alert is out, and none is owed. */
  async #isCalm(): Promise<boolean> {
    const status = await askMonitor(this.#scene.monitorUrl);
    if (!status || !isCaughtUp(status, lag_bytes_max)) return false;
    const isOwed = status.pages !== null && status.pages.owed !== 0;
    return status.alerts.length === 0 && !isOwed && openPages(this.#news()).length === 0;
  }

  #news(): PageNews[] {
    return this.#scene.pager.bodies.map(newsOf);
  }

  #latency(): LatencyFigures[] {
    return this.#intervals.map((each) => latencyBetween(this.#probe.seen, each, this.#disturbed));
  }

  #outputs(): string {
    const { pipeline } = this.#scene;
    return (['capture', 'replica', 'lake', 'monitor'] as const)
      .map((part) => `--- ${part}\n${pipeline.part(part).output.split('\n').slice(-15).join('\n')}`)
      .join('\n');
  }
}
