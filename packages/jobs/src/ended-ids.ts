import { remembered_max, rememberedFor_ms } from './port.js';

/** The newest ended ids, so that one enqueued again a little later is known (promise 7: so many and no more). */
export class EndedIds {
  readonly #endings = new Map<string, number>();

  /** Wall clock, ms. Returns the ids that are now forgotten. */
  add(id: string, now_ms: number): string[] {
    this.#endings.delete(id);
    this.#endings.set(id, now_ms);
    const forgotten: string[] = [];
    for (const [old, ended_ms] of this.#endings) {
      if (this.#endings.size - forgotten.length <= remembered_max && !isOld(ended_ms, now_ms)) break;
      forgotten.push(old);
    }
    for (const old of forgotten) this.#endings.delete(old);
    return forgotten;
  }

  has(id: string, now_ms: number): boolean {
    const ended_ms = this.#endings.get(id);
    return ended_ms !== undefined && !isOld(ended_ms, now_ms);
  }
}

/** Also from a clock that was set back: nothing is remembered for ever. */
const isOld = (ended_ms: number, now_ms: number): boolean => Math.abs(now_ms - ended_ms) > rememberedFor_ms;
