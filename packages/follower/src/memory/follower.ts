import type { Relation, Row } from '@millrace/model';
import { fenceVerdict, type Ownership, type PositionRow } from '../fence.js';
import { wrongMode } from '../modes.js';
import type { PartitionedFollower } from '../partitions.js';
import type {
  Follower,
  FollowerCapabilities,
  FollowerTransaction,
  MirroredTable,
  StoredPosition,
} from '../port.js';
import type { WorkerTable } from '../workers.js';
import type { MemoryFollowerFaults } from './faults.js';
import type { MemorySession } from './lock.js';
import { MemoryPartitions } from './partitions.js';
import type { MemoryFollowerStore, MemoryState } from './store.js';
import { MemoryTransaction } from './transaction.js';
import { MemoryWorkerTable } from './workers.js';

const rowsPerScan = 1000;
const noOwner = new Uint8Array(16);

/** The reference follower: one handle onto a `MemoryFollowerStore`. Several handles are several appliers' connections. */
export class MemoryFollower implements Follower {
  readonly capabilities: FollowerCapabilities = {
    kind: 'memory',
    transactional: true,
    transactionalSchema: true,
    singleOwner: false,
  };
  readonly workers: WorkerTable;
  readonly partitioned: PartitionedFollower;
  readonly #store: MemoryFollowerStore;
  readonly #name: string;
  readonly #faults: MemoryFollowerFaults;
  #ownership: Ownership | undefined;
  #session: MemorySession | undefined;

  constructor(store: MemoryFollowerStore, name = 'memory', faults: MemoryFollowerFaults = {}) {
    this.#store = store;
    this.#name = name;
    this.#faults = faults;
    this.workers = new MemoryWorkerTable(store.workers, (id) => store.endSessionsOf(id));
    const { capabilities } = this;
    this.partitioned = new MemoryPartitions({ store, name, worker: this.workers.id, faults, capabilities });
  }

  async storeId(): Promise<Uint8Array | undefined> {
    return this.#store.state.storeId;
  }

  async register(initial: StoredPosition, options: { readonly reset: boolean }): Promise<void> {
    await this.#faults.before?.('register');
    await this.#locked((session) => {
      const { row, storeId, tables, partitions = [] } = this.#store.state;
      if (row && !options.reset) return;
      if (partitions.length > 0 && !options.reset) throw wrongMode(this.#name, 'partitioned');
      const generation =
        [row, ...partitions].reduce((most, each) => Math.max(most, each?.generation ?? 0), 0) + 1;
      const fresh: PositionRow = { ...initial, owner: noOwner, generation };
      this.#store.commit(session, { storeId: storeId ?? this.#store.freshStoreId(), row: fresh, tables });
    });
  }

  async takeOver(owner: Uint8Array): Promise<StoredPosition | undefined> {
    await this.#faults.before?.('takeOver');
    return await this.#locked((session) => {
      const state = this.#store.state;
      if (!state.row) return undefined;
      const row = { ...state.row, owner: Uint8Array.from(owner) };
      this.#store.commit(session, { ...state, row });
      this.#ownership = { owner: row.owner, generation: row.generation };
      return row;
    });
  }

  async position(): Promise<(StoredPosition & { readonly owner: Uint8Array }) | undefined> {
    await this.#faults.before?.('position');
    return this.#store.state.row;
  }

  async tables(): Promise<readonly MirroredTable[]> {
    await this.#faults.before?.('tables');
    return [...this.#store.state.tables.values()].map((table) => table.mirrored);
  }

  async begin(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction> {
    await this.#faults.before?.('begin');
    const session: MemorySession = { broken: false, worker: this.workers.id };
    await this.#store.lock(session);
    const { row } = this.#store.state;
    const refusal = fenceVerdict(this.#name, row, this.#ownership, from);
    if (refusal || !row) {
      this.#store.unlock(session);
      throw refusal;
    }
    this.#session = session;
    const building = from.state !== 'exact' || to.state !== 'exact';
    const { storeId } = this.#store.state;
    const ending = {
      commit: (work: (tables: MemoryState['tables']) => MemoryState['tables']) =>
        this.#store.commit(session, {
          storeId,
          row: { ...row, ...to },
          tables: work(this.#store.state.tables),
        }),
      unlock: () => this.#store.unlock(session),
    };
    return new MemoryTransaction(this.#store, session, ending, building, this.#faults);
  }

  async *scan(table: Relation): AsyncIterable<readonly Row[]> {
    const found = [...this.#store.state.tables.values()].find(
      ({ mirrored }) => mirrored.relation.schema === table.schema && mirrored.relation.name === table.name,
    );
    const rows = found?.sorted() ?? [];
    for (let at = 0; at < rows.length; at += rowsPerScan) yield rows.slice(at, at + rowsPerScan);
  }

  async close(): Promise<void> {
    this.#ownership = undefined;
    if (!this.#session) return;
    this.#session.broken = true;
    this.#store.unlock(this.#session);
  }

  async #locked<T>(work: (session: MemorySession) => T): Promise<T> {
    const session: MemorySession = { broken: false, worker: this.workers.id };
    await this.#store.lock(session);
    try {
      return work(session);
    } finally {
      this.#store.unlock(session);
    }
  }
}
