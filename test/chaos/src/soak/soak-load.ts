import { type BankRules, runLoad } from '@millrace/oracle';

/** Tables of one size, however long the run: what grows is a leak, and not the load. */
export const soakRules: BankRules = { kept: 200 };
const clients = 8;

/** The oracle's load as an open loop whose rate can be changed. */
export class SoakLoad {
  rate_per_s: number;
  /** Commits whose answer came. */
  commits = 0;
  readonly #stop = new AbortController();
  readonly #ended: Promise<number>;
  #failure: unknown;

  constructor(url: string, rate_per_s: number) {
    this.rate_per_s = rate_per_s;
    this.#ended = runLoad({
      ...soakRules,
      url,
      clients,
      pause_ms: 0,
      rate_per_s: () => this.rate_per_s,
      onCommit: () => {
        this.commits++;
      },
      signal: this.#stop.signal,
    });
    this.#ended.catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Throws if the load itself failed. */
  assertRunning(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}
