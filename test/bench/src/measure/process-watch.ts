import { anonymousMemory, cpuTime } from './proc.js';
import type { ProcessUse } from './process-use.js';

const sample_ms = 50;

interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly before_s: number;
  cpu_s: number;
  peakAnonymous_bytes: number;
}

/**
 * Watches processes from `add` to `stop` and keeps what each one used meanwhile. One that ends earlier keeps its last
 * sample, up to 50 ms old.
 */
export class ProcessWatch {
  readonly #watched: Watched[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#sample(), sample_ms);
  }

  /** Time that it used before does not count, unless `whole`. */
  add(name: string, pid: number, { whole = false } = {}): void {
    const before_s = whole ? 0 : (cpuTime(pid) ?? 0);
    this.#watched.push({ name, pid, before_s, cpu_s: 0, peakAnonymous_bytes: 0 });
    this.#sample();
  }

  /** Idempotent. */
  stop(): ProcessUse[] {
    clearInterval(this.#timer);
    this.#sample();
    return this.#watched.map(({ name, cpu_s, peakAnonymous_bytes }) => ({
      name,
      cpu_s,
      peakAnonymous_bytes,
    }));
  }

  #sample(): void {
    for (const watched of this.#watched) {
      const cpu = cpuTime(watched.pid);
      const memory = anonymousMemory(watched.pid);
      // A process that ended just now shows no memory and, for a moment, its last times.
      if (cpu !== undefined && memory !== undefined) {
        watched.cpu_s = Math.max(watched.cpu_s, cpu - watched.before_s);
        watched.peakAnonymous_bytes = Math.max(watched.peakAnonymous_bytes, memory);
      }
    }
  }
}
