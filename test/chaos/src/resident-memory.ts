import { readFileSync } from 'node:fs';

const sample_ms = 50;

/** Anonymous resident memory of a process, bytes (Linux: RssAnon). File pages mapped by LMDB do not count. Undefined when it is gone. */
export function anonymousMemory(pid: number): number | undefined {
  try {
    const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/** Samples processes until stopped, and keeps each one's peak. */
export class MemoryWatch {
  readonly #pids: ReadonlyMap<string, number>;
  readonly #peaks = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(pids: ReadonlyMap<string, number>) {
    this.#pids = pids;
    this.#timer = setInterval(() => this.#sample(), sample_ms);
  }

  /** Peak of each process so far, bytes. */
  stop(): ReadonlyMap<string, number> {
    clearInterval(this.#timer);
    this.#sample();
    return this.#peaks;
  }

  #sample(): void {
    for (const [name, pid] of this.#pids) {
      const bytes = anonymousMemory(pid);
      if (bytes !== undefined) this.#peaks.set(name, Math.max(bytes, this.#peaks.get(name) ?? 0));
    }
  }
}
