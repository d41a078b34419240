import type { Part } from '../pipeline.js';
import { type FolderSample, sampleFolders } from './folder-sample.js';
import { lmdbReaders } from './lmdb-readers.js';
import { type HeapNote, type ProcessSample, readHeapNote, sampleProcess } from './process-sample.js';
import { everyPart, type SoakScene } from './scene.js';
import { type FollowerSample, type LeaderSample, sampleFollower, sampleLeader } from './server-sample.js';

const sample_ms = 1_000;
const settledLooks = 3;
const settledPause_ms = 400;

/** One process from its start to its end, or to the end of the run. */
export interface Lifetime {
  readonly part: Part;
  readonly pid: number;
  readonly samples: ProcessSample[];
  readonly heaps: HeapNote[];
}

/** What everything holds between two faults, when it has settled. */
export interface Settled {
  readonly at_s: number;
  /** By part: the least of a few looks, for what comes and goes. */
  readonly processes: Readonly<Record<string, Counts>>;
  readonly leader: LeaderSample;
  readonly follower: FollowerSample;
  readonly folders: FolderSample;
  /** Entries in the embedded log's table of readers, and those of dead processes among them. */
  readonly readers: { readonly living: number; readonly dead: number };
}

export interface Counts {
  readonly fds: number;
  readonly sockets: number;
  readonly threads: number;
}

/** Looks at processes each second, and at everything else between two faults. */
export class Sampler {
  readonly lifetimes: Lifetime[] = [];
  readonly settled: Settled[] = [];
  readonly #scene: SoakScene;
  readonly #start_ms: number;
  readonly #timer: NodeJS.Timeout;

  constructor(scene: SoakScene, start_ms: number) {
    this.#scene = scene;
    this.#start_ms = start_ms;
    this.#timer = setInterval(() => this.#sample(), sample_ms);
  }

  get at_s(): number {
    return (Date.now() - this.#start_ms) / 1_000;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async settle(): Promise<Settled> {
    const looks: { counts: Record<string, Counts>; leader: LeaderSample; follower: FollowerSample }[] = [];
    for (let look = 0; look < settledLooks; look++) {
      const { leader, follower } = this.#scene;
      looks.push({
        counts: this.#counts(),
        leader: await sampleLeader(leader),
        follower: await sampleFollower(follower),
      });
      await new Promise((resolve) => setTimeout(resolve, settledPause_ms));
    }
    const { pipeline, temporary } = this.#scene;
    const settled: Settled = {
      at_s: this.at_s,
      processes: Object.fromEntries(
        everyPart.map((part) => [part, leastOf(looks.flatMap(({ counts }) => counts[part] ?? []))]),
      ),
      leader: leastOf(looks.map(({ leader }) => leader)),
      follower: leastOf(looks.map(({ follower }) => follower)),
      folders: sampleFolders(pipeline.folder, temporary),
      readers: this.readers(),
    };
    this.settled.push(settled);
    return settled;
  }

  readers(): Settled['readers'] {
    const living = new Set(this.#runningPids().map(([, pid]) => pid));
    const readers = lmdbReaders(
      this.#scene.pipeline.folder,
      this.lifetimes.map(({ pid }) => pid),
    );
    const counts = { living: 0, dead: 0 };
    for (const [pid, count] of readers) counts[living.has(pid) ? 'living' : 'dead'] += count;
    return counts;
  }

  #runningPids(): [Part, number][] {
    return everyPart.flatMap((part): [Part, number][] => {
      const command = this.#scene.pipeline.part(part);
      return command.exit ? [] : [[part, command.pid]];
    });
  }

  #counts(): Record<string, Counts> {
    const counts: Record<string, Counts> = {};
    for (const [part, pid] of this.#runningPids()) {
      const sample = sampleProcess(pid, this.at_s);
      if (sample) counts[part] = { fds: sample.fds, sockets: sample.sockets, threads: sample.threads };
    }
    return counts;
  }

  #sample(): void {
    for (const [part, pid] of this.#runningPids()) {
      const sample = sampleProcess(pid, this.at_s);
      if (!sample) continue;
      const life = this.#lifetimeOf(part, pid);
      life.samples.push(sample);
      const heap = readHeapNote(this.#scene.notes, pid, this.#start_ms);
      if (heap && heap.at_s !== life.heaps.at(-1)?.at_s) life.heaps.push(heap);
    }
  }

  #lifetimeOf(part: Part, pid: number): Lifetime {
    const known = this.lifetimes.find((life) => life.pid === pid);
    if (known) return known;
    const life = { part, pid, samples: [], heaps: [] };
    this.lifetimes.push(life);
    return life;
  }
}

/** Field by field: what a transaction holds at one moment is gone at another. */
function leastOf<T extends object>(samples: readonly T[]): T {
  const [first, ...others] = samples;
  const entries = Object.entries(first ?? {}).map(([field, value]) => [
    field,
    Math.min(Number(value), ...others.map((other) => Number(other[field as keyof T]))),
  ]);
  return Object.fromEntries(entries) as T;
}
