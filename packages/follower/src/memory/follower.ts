import type { Relation, Row } from '@millrace/model';
import { fenceVerdict, type Ownership, type PositionRow } from '../fence.js';
import type {
  Follower,
  FollowerCapabilities,
  FollowerTransaction,
  MirroredTable,
  StoredPosition,
} from '../port.js';
import type { MemoryFollowerFaults } from './faults.js';
import type { MemoryFollowerStore, MemorySession } from './store.js';
import { MemoryTransaction } from './transaction.js';

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
  readonly #store: MemoryFollowerStore;
  readonly #name: string;
  readonly #faults: MemoryFollowerFaults;
  #ownership: Ownership | undefined;
  #session: MemorySession | undefined;

  constructor(store: MemoryFollowerStore, name = 'memory', faults: MemoryFollowerFaults = {}) {
    this.#store = store;
    this.#name = name;
    this.#faults = faults;
  }

  async storeId(): Promise<Uint8Array | undefined> {
    return this.#store.state.storeId;
  }

  async register(initial: StoredPosition, options: { readonly reset: boolean }): Promise<void> {
    await this.#faults.before?.('register');
    await this.#locked((session) => {
      const { row, storeId, tables } = this.#store.state;
      if (row && !options.reset) return;
      const generation = (row?.generation ?? 0) + 1;
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
    const session: MemorySession = { broken: false };
    await this.#store.lock(session);
    const { row } = this.#store.state;
    const refusal = fenceVerdict(this.#name, row, this.#ownership, from);
    if (refusal || !row) {
      this.#store.unlock(session);
      throw refusal;
    }
    this.#session = session;
    const building = from.state !== 'exact' || to.state !== 'exact';
    return new MemoryTransaction(this.#store, session, { ...row, ...to }, building, this.#faults);
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
    const session: MemorySession = { broken: false };
    await this.#store.lock(session);
    try {
      return work(session);
    } finally {
      this.#store.unlock(session);
    }
  }
}
