/** So many at a time: `take` waits for its turn, in order, or until `signal` aborts (then it has no slot). */
export class Slots {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    return new Promise((resolve) => {
      const turn = (): void => {
        signal.removeEventListener('abort', left);
        resolve(true);
      };
      const left = (): void => {
        this.#queue.splice(this.#queue.indexOf(turn), 1);
        resolve(false);
      };
      signal.addEventListener('abort', left, { once: true });
      this.#queue.push(turn);
    });
  }

  give(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free += 1;
  }
}
