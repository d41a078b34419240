import { assert, Fault } from '@millrace/runtime';
import type { LockWait } from './lock-wait.js';
import type { Store } from './store.js';
import type { Writers } from './writers.js';

/** What a handle that writes has, and one that only reads has not. */
export interface WriteSide {
  readonly writers: Writers;
  readonly lock: LockWait;
}

/**
 * The reads and writes of one handle on the store: none once it was closed, and each write past a paused process's lock and within the
 * log's limit.
 */
export class Sections {
  readonly store: Store;
  readonly writing: WriteSide | undefined;
  /** Bytes of events and records. */
  readonly limit_bytes: number | undefined;
  readonly #closing: AbortSignal;
  /** The follower that retention waits for, if it does: a full log is its doing. */
  heldBy: string | undefined;

  constructor(
    store: Store,
    writing: WriteSide | undefined,
    limit_bytes: number | undefined,
    closing: AbortSignal,
  ) {
    this.store = store;
    this.writing = writing;
    this.limit_bytes = limit_bytes;
    this.#closing = closing;
  }

  /** MR-3008 once the handle was closed. */
  guard(): void {
    if (this.#closing.aborted) throw new Fault('MR-3008', { detail: 'this handle of the log was closed' });
  }

  read<T>(section: () => T): T {
    this.guard();
    return this.store.read(section);
  }

  /** One transaction that adds about `bytes`. A `takeover` ends the process that holds the lock while it is paused (§12). */
  async write<T>(bytes: number, section: () => T, takeover = false): Promise<T> {
    const { writing, limit_bytes } = this;
    assert(writing !== undefined, 'a log opened for reading is not written to');
    this.guard();
    const clear = writing.lock.clear(takeover);
    if (clear) {
      await clear;
      this.guard();
    }
    writing.writers.enter();
    try {
      return this.store.write(() => {
        if (limit_bytes !== undefined && bytes > 0) this.#checkLimit(limit_bytes, bytes);
        return section();
      });
    } finally {
      writing.writers.leave();
    }
  }

  #checkLimit(limit: number, more: number): void {
    const marks = this.store.marks();
    const used = marks.bytes + marks.event_bytes;
    if (used + more > limit)
      throw new Fault('MR-3009', {
        detail: `the log holds ${used} of at most ${limit} bytes, ${more} more do not fit`,
        context: { used, limit, more, heldBy: this.heldBy },
      });
  }
}
