import { setTimeout as sleep } from 'node:timers/promises';
import type { Comparison, Measured, RunOptions } from '../comparison/comparison.js';
import { atMost, type Figure } from '../comparison/figure.js';
import { replicate } from '../contestants/followers/millrace-postgres.js';
import type { Pipeline } from '../contestants/followers/pipeline.js';
import { ProcessWatch } from '../measure/process-watch.js';
import { Cleanup } from '../stand/cleanup.js';
import { openStand } from '../stand/stand.js';
import { workloads } from '../workloads/workloads.js';
import { SlotPosition } from './slot-position.js';
import { UnpublishedWriter } from './unpublished-writer.js';

const window_s = 25;
const window_s_min = 5;
/** After the start: compiled code, caches and garbage of the start are not what a day costs. */
const settle_ms = 10_000;
const cpu_percent_max = 0.5;

const parts = ['capture', 'applier', 'monitor'] as const;

export interface QuietComparison {
  readonly title: string;
  readonly subject: string;
  /** The leader commits to a table outside the publication meanwhile. */
  readonly isWriting: boolean;
}

/** What each of our processes costs while there is nothing to replicate. */
export function quietComparison(spec: QuietComparison): Comparison {
  const { title, subject } = spec;
  return {
    tier: 'footprint',
    workload: 'W7',
    title,
    subject,
    measure: (options) => measure(spec, options),
  };
}

/** Percent of one core per process. */
type Shares = Readonly<Record<(typeof parts)[number], number>>;

async function measure({ isWriting }: QuietComparison, options: RunOptions): Promise<Measured> {
  await using cleanup = new Cleanup();
  options.say('starting servers');
  const stand = await openStand({ workload: workloads.W2, lanes: 1 });
  cleanup.defer(() => stand[Symbol.asyncDispose]());
  const { pipeline } = await replicate(stand, 0, cleanup);
  pipeline.start('monitor');
  const slot = await SlotPosition.of(stand.leader, pipeline.slot);
  cleanup.defer(() => slot.close());
  const writer = isWriting ? await UnpublishedWriter.start(stand.leader) : undefined;
  cleanup.defer(() => writer?.stop());
  await sleep(settle_ms, undefined, { signal: options.signal });
  const windows: Shares[] = [];
  for (let index = 0; index < options.pairs; index++) {
    if (writer) await slot.untilPast(await writer.position(), options.signal);
    const shares = await takeWindow(pipeline, options);
    windows.push(shares);
    options.say(
      `window ${index + 1} of ${options.pairs}: ${parts.map((part) => `${part} ${shares[part].toFixed(2)} %`).join(', ')}`,
    );
  }
  // The last commit of the leader, too, must come to be confirmed, or its WAL would stay for ever.
  if (writer) await slot.untilPast(await writer.stop(), options.signal);
  return {
    figures: parts.map((part) => figureOf(part, windows)),
    described: { subject: 'capture, applier into PostgreSQL and monitor, default settings' },
    details: { windows, ...(writer && { unpublishedCommits: writer.commits }) },
  };
}

function figureOf(part: (typeof parts)[number], windows: readonly Shares[]): Figure {
  return {
    name: `idle CPU of ${part}`,
    unit: '% of a core',
    goal: atMost(cpu_percent_max),
    samples: { subject: windows.map((shares) => shares[part]) },
  };
}

async function takeWindow(pipeline: Pipeline, { scale, signal }: RunOptions): Promise<Shares> {
  const watch = new ProcessWatch();
  const started_ms = performance.now();
  try {
    for (const part of parts) watch.add(part, pipeline.process(part).pid);
    await sleep(Math.max(window_s_min, window_s * scale) * 1_000, undefined, { signal });
    const used = new Map(watch.stop().map(({ name, cpu_s }) => [name, cpu_s]));
    const seconds = (performance.now() - started_ms) / 1_000;
    const share = (part: string): number => ((used.get(part) ?? Number.NaN) / seconds) * 100;
    pipeline.assertRunning();
    return { capture: share('capture'), applier: share('applier'), monitor: share('monitor') };
  } finally {
    watch.stop();
  }
}
