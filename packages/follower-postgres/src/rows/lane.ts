/**
 * One statement under way: while the server works on it, the caller prepares the next. A failure comes out at the next call,
 * and no statement is sent after it.
 */
export class Lane {
  #underWay: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** Waits until nothing is under way; throws what went wrong since the last call. */
  async settle(): Promise<void> {
    await this.#underWay;
    this.#underWay = undefined;
    if (this.#failure) throw this.#failure.error;
  }

  /** Starts `work` once nothing is under way, and does not wait for it. */
  async start(work: () => Promise<void>): Promise<void> {
    await this.settle();
    this.#underWay = work().catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }
}
