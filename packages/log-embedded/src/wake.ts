import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from 'node:fs';
import type { Clock } from '@millrace/runtime';

/** Without a notification a waiter looks again after this. Every 200 ms cost 0.4 % of a core in an idle process; this, less than 0.1 %. */
const poll_ms = 1_000;
const mark = Buffer.of(1);

/**
 * Wakes waiters in every process on the log: a writer touches the file `wake` after each commit, readers watch it. The
 * watch is only a faster clock: a waiter that it misses looks by itself every second.
 */
export class Wake {
  readonly #path: string;
  readonly #clock: Clock;
  #file: number | undefined;
  #watcher: FSWatcher | undefined;
  #version = 0;
  #closed = false;
  #waiters = new Set<() => void>();

  constructor(path: string, clock: Clock, options: { readonly writes: boolean }) {
    this.#path = path;
    this.#clock = clock;
    if (options.writes) this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  }

  /** Tells everyone that something new can be read. */
  notify(): void {
    if (this.#file !== undefined) writeSync(this.#file, mark, 0, 1, 0);
    this.#changed();
  }

  /** Call before looking at the log; then `after` with the result resolves at once if something came in between. */
  get version(): number {
    this.#arm();
    return this.#version;
  }

  /** Resolves after the next change since `version`, after a second, or when `signal` aborts or this is closed. */
  after(version: number, signal: AbortSignal): Promise<void> {
    if (version !== this.#version || signal.aborted || this.#closed) return Promise.resolve();
    const ended = new AbortController();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiters.delete(done);
        signal.removeEventListener('abort', done);
        ended.abort();
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener('abort', done, { once: true });
      void this.#clock.sleep(poll_ms, ended.signal).then(done);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watcher?.close();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#changed();
  }

  #arm(): void {
    if (this.#watcher || this.#closed) return;
    try {
      this.#watcher = watch(this.#path, { persistent: false }, () => this.#changed());
      // A watch that breaks (file system without notifications, limits) leaves the poll.
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  #changed(): void {
    this.#version++;
    for (const resume of [...this.#waiters]) resume();
  }
}
