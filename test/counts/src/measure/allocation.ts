import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { turn } from '../playback/tape.js';

/** What was allocated between two readings, bytes. */
export interface Allocation {
  /** Objects, strings, numbers on V8's heap. */
  readonly heap_bytes: number;
  /** Memory behind buffers. */
  readonly buffer_bytes: number;
}

/** The runtime's flags under which allocations can be counted: a young generation that is never full, no second thread. */
export const countingFlags: readonly string[] = [
  '--expose-gc',
  '--min-semi-space-size=128',
  '--max-semi-space-size=128',
  '--single-threaded',
  '--no-allocation-site-pretenuring',
  '--no-flush-bytecode',
  '--hash-seed=1',
  '--random-seed=1',
];

/**
 * Where everything that is made while working is born. The old space counts by whole free blocks and takes compiled
 * code and its notes: it would bring noise of several per cent.
 */
const youngSpaces: ReadonlySet<string> = new Set(['new_space', 'new_large_object_space']);

interface Reading {
  readonly heap: number;
  readonly buffers: number;
}

/**
 * Counts what a piece of work allocates: heap in use after it less heap in use before it, which is exact as long as
 * no collection happens in between; one that happens nevertheless is noticed, and makes the reading worthless.
 */
export class AllocationMeter {
  readonly #collections: PerformanceEntry[] = [];
  readonly #observer: PerformanceObserver;
  #start: Reading | undefined;

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#collections.push(entry);
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** Clears the heap, so that nothing has to be collected during the work. */
  async start(): Promise<void> {
    const { gc } = globalThis;
    if (!gc) throw new Error('counting needs --expose-gc');
    gc();
    await turn();
    await turn();
    this.#collections.length = 0;
    this.#start = read();
  }

  /** Undefined: a collection happened, nothing is known. */
  async stop(): Promise<Allocation | undefined> {
    const end = read();
    const start = this.#start;
    if (!start) throw new Error('stop without start');
    await turn();
    await turn();
    if (this.#collections.length > 0) return undefined;
    return { heap_bytes: end.heap - start.heap, buffer_bytes: end.buffers - start.buffers };
  }

  close(): void {
    this.#observer.disconnect();
  }
}

function read(): Reading {
  let heap = 0;
  for (const { space_name, space_used_size } of getHeapSpaceStatistics())
    if (youngSpaces.has(space_name)) heap += space_used_size;
  return { heap, buffers: process.memoryUsage().arrayBuffers };
}
