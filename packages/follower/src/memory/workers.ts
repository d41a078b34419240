import { randomBytes } from 'node:crypto';
import type { Clock } from '@millrace/runtime';
import type { SeenWorker, WorkerNote, WorkerTable } from '../workers.js';

interface Entry extends WorkerNote {
  readonly rank: number;
  readonly seen_ms: number;
}

/** The workers' entries of a memory store. */
export class MemoryWorkers {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #rank = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(id: string, note: WorkerNote, anew: boolean): readonly SeenWorker[] {
    const before = anew ? undefined : this.#entries.get(id);
    this.#entries.set(id, { ...note, rank: before?.rank ?? ++this.#rank, seen_ms: this.#clock.monotonic() });
    const now_ms = this.#clock.monotonic();
    return [...this.#entries]
      .map(([other, { seen_ms, ...entry }]) => ({ ...entry, id: other, silence_ms: now_ms - seen_ms }))
      .sort((a, b) => a.rank - b.rank);
  }

  remove(id: string): void {
    this.#entries.delete(id);
  }
}

/** One handle's view of them. `evict` calls back, since sessions are the store's. */
export class MemoryWorkerTable implements WorkerTable {
  readonly id = randomBytes(8).toString('hex');
  readonly #workers: MemoryWorkers;
  readonly #endSessions: (id: string) => void;

  constructor(workers: MemoryWorkers, endSessions: (id: string) => void) {
    this.#workers = workers;
    this.#endSessions = endSessions;
  }

  async join(note: WorkerNote): Promise<readonly SeenWorker[]> {
    return this.#workers.put(this.id, note, true);
  }

  async beat(note: WorkerNote): Promise<readonly SeenWorker[]> {
    return this.#workers.put(this.id, note, false);
  }

  async leave(): Promise<void> {
    this.#workers.remove(this.id);
  }

  async evict(id: string): Promise<void> {
    this.#workers.remove(id);
    this.#endSessions(id);
  }
}
