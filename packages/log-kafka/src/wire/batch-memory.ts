/**
 * Memory of batches, used again once a batch is acknowledged: a steady stream allocates nothing, and the collector has nothing to do.
 * What is larger than `batch_bytes`, or more than `kept_max` at once, is left to the collector.
 */
export class BatchMemory {
  readonly batch_bytes: number;
  readonly #kept_max: number;
  readonly #kept: Buffer[] = [];

  constructor(batch_bytes: number, kept_max: number) {
    this.batch_bytes = batch_bytes;
    this.#kept_max = kept_max;
  }

  /** At least `bytes`; small wishes get memory of their own size, so that many small batches do not each hold a large one. */
  take(bytes: number): Buffer {
    if (bytes > this.batch_bytes || bytes < this.batch_bytes / 4) return Buffer.allocUnsafeSlow(bytes);
    return this.#kept.pop() ?? Buffer.allocUnsafeSlow(this.batch_bytes);
  }

  /** Nobody reads `memory` any more. */
  give(memory: Buffer): void {
    if (memory.length === this.batch_bytes && this.#kept.length < this.#kept_max) this.#kept.push(memory);
  }
}
