import { setMaxListeners } from 'node:events';

/**
 * The signal of a caller or the end of the handle, whichever is first: one for all that reads under the same signal. A signal that was
 * composed of two is remembered by both for as long as they live (Node 20 never clears it away), so one per range would pile up.
 */
export class EndSignals {
  readonly #closing: AbortSignal;
  readonly #made = new WeakMap<AbortSignal, AbortSignal>();

  constructor(closing: AbortSignal) {
    this.#closing = closing;
  }

  either(signal: AbortSignal): AbortSignal {
    const present = this.#made.get(signal);
    if (present) return present;
    const made = AbortSignal.any([signal, this.#closing]);
    // Every range of a merge listens to it.
    setMaxListeners(0, made);
    this.#made.set(signal, made);
    return made;
  }
}
