import { randomBytes } from 'node:crypto';
import type { Clock } from '@millrace/runtime';
import { systemClock } from '@millrace/runtime';
import type { PositionRow } from '../fence.js';
import { MemoryLock, type MemorySession } from './lock.js';
import type { MemoryTable } from './table.js';
import { MemoryWorkers } from './workers.js';

/** What a transaction may change, and a backup holds. Tables by topic; never changed in place. */
export interface MemoryState {
  readonly storeId: Uint8Array | undefined;
  /** Of a follower in transactional mode. */
  readonly row: PositionRow | undefined;
  /** Of a follower in partitioned mode, by partition. */
  readonly partitions?: readonly PositionRow[];
  readonly tables: ReadonlyMap<string, MemoryTable>;
}

export interface MemoryStoreOptions {
  readonly clock?: Clock;
  /** How long a session may hold the row's lock while another waits, as idle_in_transaction_session_timeout does (R22). */
  readonly lockTimeout_ms?: number;
  /** 16 bytes; random by default, given by seeded simulations. */
  readonly storeId?: Uint8Array;
}

const defaultLockTimeout_ms = 60_000;

/** The memory that outlives the handles onto it: as a database server outlives its clients. One lock per position row. */
export class MemoryFollowerStore {
  readonly clock: Clock;
  readonly freshStoreId: () => Uint8Array;
  readonly workers: MemoryWorkers;
  readonly #lockTimeout_ms: number;
  readonly #whole: MemoryLock;
  readonly #locks: MemoryLock[] = [];
  #state: MemoryState = { storeId: undefined, row: undefined, tables: new Map() };

  constructor(options: MemoryStoreOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.#lockTimeout_ms = options.lockTimeout_ms ?? defaultLockTimeout_ms;
    this.freshStoreId = () => options.storeId ?? randomBytes(16);
    this.workers = new MemoryWorkers(this.clock);
    this.#whole = new MemoryLock(this.clock, this.#lockTimeout_ms);
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

  /** Ends every session in a transaction, as a restart of the server does: it commits nothing any more. */
  disconnect(): void {
    for (const lock of [this.#whole, ...this.#locks]) lock.end();
  }

  /** Ends the sessions in a transaction of one worker. */
  endSessionsOf(worker: string): void {
    for (const lock of [this.#whole, ...this.#locks]) lock.end((session) => session.worker === worker);
  }

  /** Waits for the lock of the one row of transactional mode; a holder that keeps it longer than the timeout is ended. */
  async lock(session: MemorySession): Promise<void> {
    await this.#whole.take(session);
  }

  unlock(session: MemorySession): void {
    this.#whole.leave(session);
  }

  /** Replaces the committed state; only by the holder of the lock. */
  commit(session: MemorySession, state: MemoryState): boolean {
    if (this.#whole.holder !== session || session.broken) return false;
    this.#state = state;
    this.#whole.leave(session);
    return true;
  }

  /** Waits for the locks of some partitions' rows, in order. */
  async lockPartitions(session: MemorySession, partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) await this.#lockOf(partition).take(session);
  }

  unlockPartitions(session: MemorySession): void {
    for (const lock of this.#locks) lock.leave(session);
  }

  /** Changes the committed state in one step; only by the holder of the locks of `partitions`. */
  commitPartitions(
    session: MemorySession,
    partitions: readonly number[],
    change: (state: MemoryState) => MemoryState,
  ): boolean {
    const holds = partitions.every((partition) => this.#lockOf(partition).holder === session);
    if (!holds || session.broken) return false;
    this.#state = change(this.#state);
    this.unlockPartitions(session);
    return true;
  }

  #lockOf(partition: number): MemoryLock {
    while (this.#locks.length <= partition)
      this.#locks.push(new MemoryLock(this.clock, this.#lockTimeout_ms));
    return this.#locks[partition] as MemoryLock;
  }
}
