import type { ConnectSettings } from './rest.js';
import type { ConnectWorker } from './worker.js';

/** A failed task only shows when asked for; rarely enough to cost nothing. */
const look_ms = 1_000;

/** A connector that is watched: a task that fails leaves its worker running. */
export class RunningConnector {
  readonly #worker: ConnectWorker;
  readonly #name: string;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(worker: ConnectWorker, name: string) {
    this.#worker = worker;
    this.#name = name;
  }

  /** Has the worker start it. Its task may not run yet. */
  async start(settings: ConnectSettings): Promise<void> {
    await this.#worker.rest.create(this.#name, settings);
    this.#timer = setInterval(() => void this.#look(), look_ms);
  }

  /** Throws when worker, connector or task ended or failed. */
  assertAlive(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#worker.running)
      throw new Error(`Kafka Connect ended by itself:\n${this.#worker.lastOutput()}`);
  }

  /** No more looks. */
  forget(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      await this.#worker.rest.isRunning(this.#name);
    } catch (error) {
      this.#failure ??= error;
    }
  }
}
