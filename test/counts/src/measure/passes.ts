import { type Allocation, AllocationMeter } from './allocation.js';

/** Events played before anything is counted, so that the compiler has settled. */
const warmUp_events = 120_000;
const warmUpPasses_min = 20;
const countedPasses = 12;

/** How often a recording of `events` events is played to warm up. */
export const warmUpPasses = (events: number): number =>
  Math.max(warmUpPasses_min, Math.ceil(warmUp_events / events));

/** Passes in all, counted ones last. */
export const allPasses = (events: number): number => warmUpPasses(events) + countedPasses;

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

  constructor(events: number) {
    this.#warmUp = warmUpPasses(events);
    this.passes = allPasses(events);
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
