/**
 * Backpressure in bytes: producers `add`, consumers `release`; `room()` is pending while more than `high` bytes
 * are held and resolves once they fall to `low` (promise 7). Closing releases every waiter.
 */
export class ByteGate {
  readonly high: number;
  readonly low: number;
  #held = 0;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(high: number, low = Math.floor(high / 2)) {
    this.high = high;
    this.low = low;
  }

  get held(): number {
    return this.#held;
  }

  add(bytes: number): void {
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
    if (this.#held <= this.low) this.#wake();
  }

  /** `undefined` when there is room now; otherwise a promise of room. Only then need a caller pause. */
  room(): Promise<void> | undefined {
    if (this.#closed || this.#held < this.high) return undefined;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resume of waiters) resume();
  }
}
