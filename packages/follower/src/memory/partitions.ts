import { samePosition } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { fenceVerdict, type Ownership, type PositionRow, sameBytes } from '../fence.js';
import { wrongMode } from '../modes.js';
import type { FollowerPartition, PartitionedFollower } from '../partitions.js';
import type { FollowerCapabilities, FollowerTransaction, MirroredTable, StoredPosition } from '../port.js';
import type { MemoryFollowerFaults } from './faults.js';
import type { MemorySession } from './lock.js';
import type { MemoryFollowerStore, MemoryState } from './store.js';
import { MemoryTransaction } from './transaction.js';

const noOwner = new Uint8Array(16);

/** What a handle on a store, and those on its partitions, share. */
export interface MemoryHandle {
  readonly store: MemoryFollowerStore;
  readonly name: string;
  readonly worker: string;
  readonly faults: MemoryFollowerFaults;
  readonly capabilities: FollowerCapabilities;
}

export class MemoryPartitions implements PartitionedFollower {
  readonly #handle: MemoryHandle;

  constructor(handle: MemoryHandle) {
    this.#handle = handle;
  }

  async register(
    initial: StoredPosition,
    count: number,
    { reset }: { readonly reset: boolean },
  ): Promise<void> {
    const { store, name, worker, faults } = this.#handle;
    await faults.before?.('register');
    const session: MemorySession = { broken: false, worker };
    const present = store.state.partitions ?? [];
    if (present.length > 0 && !reset) return;
    if (store.state.row && !reset) throw wrongMode(name, 'transactional');
    const all = numbers(Math.max(count, present.length));
    await store.lockPartitions(session, all);
    const committed = store.commitPartitions(session, all, (state) => {
      const rows = state.partitions ?? [];
      if (rows.length > 0 && !reset) return state;
      const generation = 1 + [...rows, ...(state.row ? [state.row] : [])].reduce(newest, 0);
      const partitions = numbers(count).map(() => ({ ...initial, owner: noOwner, generation }));
      return { ...state, storeId: state.storeId ?? store.freshStoreId(), row: undefined, partitions };
    });
    if (!committed) throw new Fault('MR-4001', { detail: 'The store ended the session.' });
  }

  async rows(): Promise<readonly PositionRow[]> {
    await this.#handle.faults.before?.('position');
    return this.#handle.store.state.partitions ?? [];
  }

  open(partition: number): FollowerPartition {
    return new MemoryPartition(this.#handle, partition);
  }
}

class MemoryPartition implements FollowerPartition {
  readonly capabilities: FollowerCapabilities;
  readonly #handle: MemoryHandle;
  readonly #partition: number;
  #ownership: Ownership | undefined;
  #session: MemorySession | undefined;

  constructor(handle: MemoryHandle, partition: number) {
    this.#handle = handle;
    this.#partition = partition;
    this.capabilities = handle.capabilities;
  }

  async storeId(): Promise<Uint8Array | undefined> {
    return this.#handle.store.state.storeId;
  }

  async takeOver(owner: Uint8Array): Promise<StoredPosition | undefined> {
    const { store, faults } = this.#handle;
    await faults.before?.('takeOver');
    const session = await this.#locked([this.#partition]);
    const row = this.#row();
    if (!row) {
      store.unlockPartitions(session);
      return undefined;
    }
    const taken = { ...row, owner: Uint8Array.from(owner) };
    store.commitPartitions(session, [this.#partition], (state) =>
      this.#with(state, [this.#partition], () => taken),
    );
    this.#ownership = { owner: taken.owner, generation: taken.generation };
    return taken;
  }

  async position(): Promise<PositionRow | undefined> {
    await this.#handle.faults.before?.('position');
    return this.#row();
  }

  async tables(): Promise<readonly MirroredTable[]> {
    await this.#handle.faults.before?.('tables');
    return [...this.#handle.store.state.tables.values()].map((table) => table.mirrored);
  }

  async begin(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction> {
    await this.#handle.faults.before?.('begin');
    const session = await this.#locked([this.#partition]);
    this.#mustHold(session, from);
    return this.#transaction(session, [this.#partition], from, to);
  }

  async beginAll(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction | undefined> {
    const { store, faults } = this.#handle;
    await faults.before?.('begin');
    const all = numbers(store.state.partitions?.length ?? 0);
    const session = await this.#locked(all);
    const mine = this.#mustHold(session, from);
    const arrived = (store.state.partitions ?? []).every(
      (row) =>
        row.generation === mine.generation &&
        samePosition(row.position, from.position) &&
        sameBytes(row.anchor, from.anchor),
    );
    if (arrived) return this.#transaction(session, all, from, to);
    store.unlockPartitions(session);
    return undefined;
  }

  async close(): Promise<void> {
    this.#ownership = undefined;
    if (!this.#session) return;
    this.#session.broken = true;
    this.#handle.store.unlockPartitions(this.#session);
  }

  #row(): PositionRow | undefined {
    return this.#handle.store.state.partitions?.[this.#partition];
  }

  async #locked(partitions: readonly number[]): Promise<MemorySession> {
    const session: MemorySession = { broken: false, worker: this.#handle.worker };
    await this.#handle.store.lockPartitions(session, partitions);
    return session;
  }

  #mustHold(session: MemorySession, from: StoredPosition): PositionRow {
    const row = this.#row();
    const refusal = fenceVerdict(
      `${this.#handle.name}, partition ${this.#partition}`,
      row,
      this.#ownership,
      from,
    );
    if (!refusal && row) return row;
    this.#handle.store.unlockPartitions(session);
    throw refusal;
  }

  #transaction(
    session: MemorySession,
    partitions: readonly number[],
    from: StoredPosition,
    to: StoredPosition,
  ): FollowerTransaction {
    const { store, faults } = this.#handle;
    this.#session = session;
    const ending = {
      commit: (work: (tables: MemoryState['tables']) => MemoryState['tables']) =>
        store.commitPartitions(session, partitions, (state) => ({
          ...this.#with(state, partitions, (row) => ({ ...row, ...to })),
          tables: work(state.tables),
        })),
      unlock: () => store.unlockPartitions(session),
    };
    const building = from.state !== 'exact' || to.state !== 'exact';
    return new MemoryTransaction(store, session, ending, building, faults);
  }

  #with(
    state: MemoryState,
    moved: readonly number[],
    change: (row: PositionRow) => PositionRow,
  ): MemoryState {
    const partitions = (state.partitions ?? []).map((row, i) => (moved.includes(i) ? change(row) : row));
    return { ...state, partitions };
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const newest = (most: number, { generation }: PositionRow): number => Math.max(most, generation);
