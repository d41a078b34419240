import { randomBytes } from 'node:crypto';
import type { Clock } from '@millrace/runtime';
import { systemClock } from '@millrace/runtime';
import type { PositionRow } from '../fence.js';
import type { MemoryTable } from './table.js';

/** What a transaction may change, and a backup holds. Tables by topic; never changed in place. */
export interface MemoryState {
  readonly storeId: Uint8Array | undefined;
  readonly row: PositionRow | undefined;
  readonly tables: ReadonlyMap<string, MemoryTable>;
}

/** A session that holds the position row's lock. `broken` once the store ended it. */
export interface MemorySession {
  broken: boolean;
}

export interface MemoryStoreOptions {
  readonly clock?: Clock;
  /** How long a session may hold the row's lock while another waits, as idle_in_transaction_session_timeout does (R22). */
  readonly lockTimeout_ms?: number;
  /** 16 bytes; random by default, given by seeded simulations. */
  readonly storeId?: Uint8Array;
}

const defaultLockTimeout_ms = 60_000;

/** The memory that outlives the handles onto it: as a database server outlives its clients. One lock, on the position row. */
export class MemoryFollowerStore {
  readonly clock: Clock;
  readonly freshStoreId: () => Uint8Array;
  readonly #lockTimeout_ms: number;
  #state: MemoryState = { storeId: undefined, row: undefined, tables: new Map() };
  #holder: MemorySession | undefined;
  #waiters: (() => void)[] = [];

  constructor(options: MemoryStoreOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.#lockTimeout_ms = options.lockTimeout_ms ?? defaultLockTimeout_ms;
    this.freshStoreId = () => options.storeId ?? randomBytes(16);
  }

  /** The committed state. States are immutable, so this is also a backup: hand it to `restore` later. */
  get state(): MemoryState {
    return this.#state;
  }

  /** Puts an older copy back, as an operator does with a backup. Open transactions end. */
  restore(copy: MemoryState): void {
    this.disconnect();
    this.#state = copy;
  }

  /** Ends the session in a transaction, as a restart of the server does: it commits nothing any more. */
  disconnect(): void {
    if (this.#holder) this.#holder.broken = true;
    this.#release();
  }

  /** Waits for the row's lock; a holder that keeps it longer than the timeout is ended. */
  async lock(session: MemorySession): Promise<void> {
    while (this.#holder) {
      const holder = this.#holder;
      const giveUp = new AbortController();
      const freed = new Promise<void>((resolve) => this.#waiters.push(resolve));
      await Promise.race([
        freed,
        this.clock.sleep(this.#lockTimeout_ms, giveUp.signal).then(() => this.#expire(holder, giveUp.signal)),
      ]);
      giveUp.abort();
    }
    this.#holder = session;
  }

  unlock(session: MemorySession): void {
    if (this.#holder === session) this.#release();
  }

  /** Replaces the committed state; only by the holder of the lock. */
  commit(session: MemorySession, state: MemoryState): boolean {
    if (this.#holder !== session || session.broken) return false;
    this.#state = state;
    this.#release();
    return true;
  }

  #expire(holder: MemorySession, signal: AbortSignal): void {
    if (signal.aborted || this.#holder !== holder) return;
    this.disconnect();
  }

  #release(): void {
    this.#holder = undefined;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
