import type { CommitFate, MemoryFollowerFaults } from '@millrace/follower';
import type { AppendFate, MemoryLogFaults } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import type { Chance } from './chance.js';
import type { WorldClock } from './world-clock.js';

/** Ordinary delay of one request, milliseconds, at most. */
const latency_ms = 2;
/** A stalled request, milliseconds, at most. */
const stall_ms = 400;
/** A late or repeated append comes this much later, milliseconds, at most. */
const late_ms = 800;

/** … or this much later. */
const soon_ms = 80;

export interface WeatherOptions {
  readonly clock: WorldClock;
  readonly chance: Chance;
  readonly append: number;
  /** Ordinary delay of an append, milliseconds, at most. Default: as of every request. */
  readonly appendLatency_ms?: number | undefined;
  readonly store: number;
}

/** What networks and disks do to requests. `calm` ends it: from then on only latency remains. */
export class Weather {
  readonly #o: WeatherOptions;
  #calm = false;

  constructor(options: WeatherOptions) {
    this.#o = options;
  }

  calm(): void {
    this.#calm = true;
  }

  get isCalm(): boolean {
    return this.#calm;
  }

  latency_ms(most_ms = latency_ms): number {
    return this.#o.chance.next() * most_ms;
  }

  log(): MemoryLogFaults {
    const { clock, append, chance, appendLatency_ms } = this.#o;
    return {
      before: (operation) => {
        const stalled = !this.#calm && chance.happens(append / 4);
        if (stalled) return clock.sleep(chance.next() * stall_ms);
        return clock.sleep(this.latency_ms(operation === 'append' ? appendLatency_ms : undefined));
      },
      append: () => (this.#calm || !chance.happens(append) ? this.#ordinary() : this.#troubled()),
    };
  }

  #ordinary(): AppendFate {
    const { chance } = this.#o;
    // Transaction markers of other producers leave holes (R19).
    return chance.happens(0.02) ? { hole: chance.between(1, 3) } : {};
  }

  #troubled(): AppendFate {
    const { chance } = this.#o;
    // Mostly soon after, while the successor writes the same events again.
    const later = (): number => chance.next() * (chance.happens(0.6) ? soon_ms : late_ms);
    return chance.pick<() => AppendFate>([
      () => ({ applied: false }),
      () => ({ applied: false, lost: true }),
      () => ({ lost: true }),
      () => ({ applied: false, lost: true, again_ms: [later()] }),
      () => ({ again_ms: [later()] }),
      () => ({ lost: true, again_ms: [later(), later()] }),
      () => ({ delay_ms: later() }),
      () => ({ response_ms: later() }),
    ])();
  }

  follower(): MemoryFollowerFaults {
    const { clock, chance, store } = this.#o;
    return {
      before: async (step) => {
        await clock.sleep(this.latency_ms());
        if (this.#calm || !chance.happens(store)) return;
        if (chance.happens(0.3)) await clock.sleep(chance.next() * stall_ms);
        else throw new Fault('MR-4001', { detail: `the store was away at ${step}` });
      },
      commit: (): CommitFate =>
        this.#calm || !chance.happens(store) ? 'done' : chance.pick(['lost-before', 'lost-after']),
    };
  }
}
