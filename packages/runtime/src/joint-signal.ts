/**
 * One signal for several, for as long as it is used: aborts with the first of them, and with its reason. `AbortSignal.any` is
 * remembered by its sources for as long as they live (Node 20 never clears it away), so one per pause or request under the signal
 * of a service piles up for months. `using` lets go of the sources; afterwards the joint signal does not abort any more.
 */
export class JointSignal implements Disposable {
  readonly signal: AbortSignal;
  readonly #listening: readonly (() => void)[];

  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    const joint = new AbortController();
    this.signal = joint.signal;
    const listening: (() => void)[] = [];
    for (const source of sources) {
      if (source === undefined) continue;
      if (source.aborted) {
        joint.abort(source.reason);
        break;
      }
      const abort = (): void => joint.abort(source.reason);
      source.addEventListener('abort', abort, { once: true });
      listening.push(() => source.removeEventListener('abort', abort));
    }
    this.#listening = listening;
  }

  [Symbol.dispose](): void {
    for (const leave of this.#listening) leave();
  }
}
