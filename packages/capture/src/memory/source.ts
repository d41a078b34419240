import { Fault } from '@millrace/runtime';
import type { AcquireOptions, Source, SourceSession } from '../source.js';
import type { MemorySourceOptions } from './options.js';
import { MemorySession } from './session.js';

/** Pause between two looks at a slot that somebody else holds. */
const busyPause_ms = 100;

/** The reference implementation of the source port: a slot of a `MemoryLeader`. */
export class MemorySource implements Source {
  readonly #o: MemorySourceOptions;

  constructor(options: MemorySourceOptions) {
    this.#o = options;
  }

  async acquire({ signal, onWait }: AcquireOptions): Promise<SourceSession> {
    const { leader, clock, latency_ms } = this.#o;
    for (;;) {
      const ms = latency_ms?.() ?? 0;
      if (ms > 0) await clock.sleep(ms, signal);
      if (signal.aborted) throw new Fault('MR-2001', { detail: 'told to stop while waiting for the slot' });
      const created = leader.ensureSlot();
      const holder = leader.slot?.holder;
      if (!holder) return new MemorySession(this.#o, created);
      onWait(`the slot is held by ${holder.description}`);
      await clock.sleep(busyPause_ms, signal);
    }
  }
}
