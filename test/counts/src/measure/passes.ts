import type { Recording } from '../recording/recording.js';
import { type Allocation, AllocationMeter } from './allocation.js';

/** Events played before anything is counted, so that the compiler has settled … */
const warmUp_events = 30_000;
/** … as far as they are not large: payload bytes … */
const warmUp_bytes = 16 * 1024 * 1024;
const warmUpPasses_min = 12;
const countedPasses = 8;

/** How often a recording is played to warm up. */
function warmUpPasses({ events, payloads }: Recording): number {
  const payload_bytes = payloads.reduce((sum, { length }) => sum + length, 0);
  const enough = Math.ceil(Math.min(warmUp_events / events, warmUp_bytes / payload_bytes));
  return Math.max(warmUpPasses_min, enough);
}

/**
 * Turns passes into a count: the first ones warm up, of the others the least counts, because what is added to it (a late
 * compilation) is not the work's own.
 */
export class PassCounter {
  readonly passes: number;
  readonly #warmUp: number;
  readonly #meter = new AllocationMeter();
  readonly #counted: Allocation[] = [];
  #pass = 0;

  constructor(recording: Recording) {
    this.#warmUp = warmUpPasses(recording);
    this.passes = this.#warmUp + countedPasses;
  }

  /** Passes ended so far. */
  get ended(): number {
    return this.#pass;
  }

  get done(): boolean {
    return this.#pass >= this.passes;
  }

  async begin(): Promise<void> {
    if (this.#pass >= this.#warmUp) await this.#meter.start();
  }

  async end(): Promise<void> {
    if (this.#pass++ < this.#warmUp) return;
    const allocation = await this.#meter.stop();
    if (allocation) this.#counted.push(allocation);
  }

  /** Of one pass. */
  least(): Allocation {
    this.#meter.close();
    if (this.#counted.length < countedPasses / 2)
      throw new Error('collections disturbed most passes: nothing was counted');
    return {
      heap_bytes: Math.min(...this.#counted.map(({ heap_bytes }) => heap_bytes)),
      buffer_bytes: Math.min(...this.#counted.map(({ buffer_bytes }) => buffer_bytes)),
    };
  }

  /** For the curious. */
  get all(): readonly Allocation[] {
    return this.#counted;
  }
}
