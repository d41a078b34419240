import { type Point, theilSen, thinned } from './robust.js';
import type { Lifetime } from './sampler.js';
import { everyPart } from './scene.js';
import { type Finding, judged, mib, tooShort } from './verdict.js';

/** Of the live heap: code is compiled, tables are read, buffers come to their size. */
const heapWarmUp_s = 180;
/** Of resident memory: a store fills its cache up to its limit and allocators keep what they had at most, for ten minutes. */
const rssWarmUp_s = 600;
/** In shorter lives the saw-tooth of collections and buffers is a trend of its own. */
const life_s_min = 1_000;
const bin_s = 20;
const hour_s = 3_600;
/** The live heap after collections is all but free of noise; resident memory also holds what allocators keep. */
const heap_mibPerHour_max = 8;
const rss_mibPerHour_max = 64;
const rss_mib_max = 384;

/** Growth and peak of one process over its life. */
export interface LifeFigures {
  readonly part: string;
  readonly pid: number;
  readonly seconds: number;
  readonly peak_mib: number;
  /** After the warm-up of each. Null where it lived too briefly. */
  readonly rss_mibPerHour: number | null;
  readonly heap_mibPerHour: number | null;
  /** Of `heap_mib`, what its objects hold outside of it: buffers. */
  readonly external_mib: readonly number[];
  readonly heap_mib: readonly number[];
  readonly rss_mib: readonly number[];
}

export function figuresOf({ part, pid, samples, heaps }: Lifetime): LifeFigures {
  const from_s = samples[0]?.at_s ?? 0;
  const seconds = (samples.at(-1)?.at_s ?? 0) - from_s;
  const isLong = seconds >= life_s_min;
  const rss = thinned(
    samples.map(({ at_s, rss_bytes }) => ({ x: at_s, y: rss_bytes })),
    bin_s,
  );
  const heap = heaps.map(({ at_s, heap_bytes, external_bytes }) => ({
    x: at_s,
    y: heap_bytes + external_bytes,
  }));
  const slope = (points: readonly Point[], warmUp_s: number): number | null =>
    isLong ? mib((theilSen(points.filter(({ x }) => x - from_s >= warmUp_s)) ?? 0) * hour_s) : null;
  return {
    part,
    pid,
    seconds: Math.round(seconds),
    peak_mib: mib(Math.max(0, ...samples.map(({ rss_bytes }) => rss_bytes))),
    rss_mibPerHour: slope(rss, rssWarmUp_s),
    heap_mibPerHour: slope(heap, heapWarmUp_s),
    external_mib: heaps.map(({ external_bytes }) => mib(external_bytes)),
    heap_mib: heap.map(({ y }) => mib(y)),
    rss_mib: rss.map(({ y }) => mib(y)),
  };
}

/** Flat memory: slopes of long lives, peaks of all; of every part at least one life has to be long. */
export function judgeMemory(lives: readonly LifeFigures[]): Finding[] {
  return everyPart.flatMap((part): Finding[] => {
    const own = lives.filter((life) => life.part === part);
    const long = own.filter(({ rss_mibPerHour }) => rss_mibPerHour !== null);
    const peak = Math.max(0, ...own.map(({ peak_mib }) => peak_mib));
    return [
      judged(`memory of ${part} stays below ${rss_mib_max} MiB`, peak <= rss_mib_max, `peak ${peak} MiB`),
      ...(long.length === 0
        ? [
            tooShort(
              `memory of ${part} is flat`,
              `its longest life was ${Math.max(0, ...own.map(({ seconds }) => seconds))} s`,
            ),
          ]
        : long.map(judgeLife)),
    ];
  });
}

function judgeLife({ part, pid, seconds, rss_mibPerHour: rss, heap_mibPerHour: heap }: LifeFigures): Finding {
  const ok = (rss ?? 0) <= rss_mibPerHour_max && (heap ?? 0) <= heap_mibPerHour_max;
  return judged(
    `memory of ${part} is flat`,
    ok,
    `pid ${pid} over ${seconds} s: RssAnon ${rss} MiB/h (at most ${rss_mibPerHour_max}), live heap ${heap} MiB/h (at most ${heap_mibPerHour_max})`,
  );
}
