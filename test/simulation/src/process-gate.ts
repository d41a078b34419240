/** What has become of a simulated process. `dead` survives nothing; `paused` is SIGSTOP. */
export type ProcessState = 'running' | 'paused' | 'dead';

const never = new Promise<never>(() => {});

/**
 * The boundary of one simulated process: everything it does to the world outside passes through here, so that it can be killed or
 * paused at any await. A dead process's calls never return, and what it had asked for may still take effect.
 */
export class ProcessGate {
  #state: ProcessState = 'running';
  #resume: (() => void) | undefined;
  #resumed: Promise<void> | undefined;
  readonly #onDeath: (() => void)[] = [];
  /** Asked at every passage: true kills the process there. */
  readonly #dies: () => boolean;

  constructor(dies: () => boolean = () => false) {
    this.#dies = dies;
  }

  get state(): ProcessState {
    return this.#state;
  }

  kill(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    for (const action of this.#onDeath.splice(0)) action();
  }

  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#resumed = new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#resume?.();
    this.#resumed = undefined;
  }

  /** What the machine does when the process dies: its connections break. */
  onDeath(action: () => void): void {
    this.#onDeath.push(action);
  }

  /** Undefined when the process runs; otherwise a promise of its resumption, or of nothing ever. */
  blocked(): Promise<void> | undefined {
    if (this.#state === 'running') return undefined;
    return this.#state === 'dead' ? never : this.#resumed;
  }

  /** One call to the outside. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    await this.pass();
    try {
      const result = await work();
      await this.pass();
      return result;
    } catch (error) {
      await this.pass();
      throw error;
    }
  }

  async pass(): Promise<void> {
    if (this.#state === 'running' && this.#dies()) this.kill();
    for (let wait = this.blocked(); wait; wait = this.blocked()) await wait;
  }

  async *iterate<T>(items: () => AsyncIterable<T>): AsyncGenerator<T, void, void> {
    await this.pass();
    for await (const item of items()) {
      await this.pass();
      yield item;
    }
    await this.pass();
  }
}
