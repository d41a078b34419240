import { type Row, relationName, type SchemaChange } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { PositionRow } from '../fence.js';
import type { FollowerTransaction, MirroredTable, TableBatch } from '../port.js';
import type { MemoryFollowerFaults, MemoryStep } from './faults.js';
import type { MemoryFollowerStore, MemorySession, MemoryState } from './store.js';
import { evolvedFrom, MemoryTable } from './table.js';

/** A transaction works on copies of the tables it touches, and puts all of them and the position in place at once. */
export class MemoryTransaction implements FollowerTransaction {
  readonly #store: MemoryFollowerStore;
  readonly #session: MemorySession;
  readonly #row: PositionRow;
  readonly #building: boolean;
  readonly #faults: MemoryFollowerFaults;
  readonly #base: MemoryState;
  readonly #tables: Map<string, MemoryTable>;
  readonly #copied = new Set<string>();
  #open = true;

  constructor(
    store: MemoryFollowerStore,
    session: MemorySession,
    row: PositionRow,
    building: boolean,
    faults: MemoryFollowerFaults,
  ) {
    this.#store = store;
    this.#session = session;
    this.#row = row;
    this.#building = building;
    this.#faults = faults;
    this.#base = store.state;
    this.#tables = new Map(this.#base.tables);
  }

  async evolve(next: MirroredTable, changes: readonly SchemaChange[]): Promise<void> {
    await this.#step('evolve');
    const was = evolvedFrom(this.#tables, next, changes);
    const fresh = changes.some((change) => change.kind === 'create-table');
    if (!was && !fresh) throw notMirrored(next);
    if (was) this.#tables.delete(was.mirrored.topic);
    this.#tables.set(next.topic, fresh || !was ? new MemoryTable(next) : was.reshape(next));
    this.#copied.add(next.topic);
  }

  async forget(table: MirroredTable): Promise<void> {
    await this.#step('evolve');
    this.#tables.delete(table.topic);
  }

  async write(batch: TableBatch): Promise<void> {
    await this.#step('write');
    const building = batch.table.state === 'building' || this.#building;
    this.#own(batch.table).apply(batch, building);
  }

  async truncate(tables: readonly MirroredTable[]): Promise<void> {
    await this.#step('truncate');
    for (const table of tables) {
      this.#tables.set(table.topic, this.#find(table).empty());
      this.#copied.add(table.topic);
    }
  }

  async deleteRange(
    table: MirroredTable,
    range: { readonly after: Row | null; readonly upTo: Row | null },
    keep: readonly Row[],
  ): Promise<void> {
    await this.#step('deleteRange');
    this.#own(table).deleteRange(range.after, range.upTo, keep);
  }

  async commit(): Promise<void> {
    await this.#step('commit');
    this.#open = false;
    const fate = this.#faults.commit?.() ?? 'done';
    if (fate === 'lost-before') {
      this.#store.unlock(this.#session);
      throw uncertain();
    }
    const next = { storeId: this.#base.storeId, row: this.#row, tables: this.#tables };
    const committed = this.#store.commit(this.#session, next);
    if (!committed || fate === 'lost-after') throw uncertain();
  }

  async abort(): Promise<void> {
    this.#open = false;
    this.#store.unlock(this.#session);
  }

  async #step(step: MemoryStep): Promise<void> {
    await this.#faults.before?.(step);
    if (!this.#open) throw new Fault('MR-9001', { detail: 'the follower transaction has ended' });
    if (this.#session.broken) {
      throw new Fault('MR-4001', { detail: 'The store ended the session of this transaction.' });
    }
  }

  #find(table: MirroredTable): MemoryTable {
    const found = this.#tables.get(table.topic);
    if (!found) throw notMirrored(table);
    if (found.mirrored.version !== table.version) {
      throw new Fault('MR-9001', {
        detail: `${relationName(table.relation)} is mirrored at version ${found.mirrored.version}, written at ${table.version}`,
      });
    }
    return found;
  }

  /** This transaction's own copy, made at the first touch. */
  #own(table: MirroredTable): MemoryTable {
    const found = this.#find(table);
    if (this.#copied.has(table.topic)) return found;
    const copy = found.copy();
    this.#tables.set(table.topic, copy);
    this.#copied.add(table.topic);
    return copy;
  }
}

function notMirrored(table: MirroredTable): Fault {
  return new Fault('MR-4006', {
    detail: `Table ${relationName(table.relation)} (topic ${table.topic}) is not mirrored here.`,
  });
}

function uncertain(): Fault {
  return new Fault('MR-4011', { detail: 'The connection broke during the commit.' });
}
