import { type Row, relationName, type SchemaChange } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { FollowerTransaction, MirroredTable, NewRowsSink, TableBatch } from '../port.js';
import type { MemoryFollowerFaults, MemoryStep } from './faults.js';
import type { MemorySession } from './lock.js';
import { RowGatherer } from './new-rows.js';
import type { MemoryFollowerStore } from './store.js';
import { evolvedFrom, MemoryTable } from './table.js';

type Tables = ReadonlyMap<string, MemoryTable>;

/** How a memory transaction ends: puts the tables that `work` makes of the present ones in place, with its row. */
export interface MemoryEnding {
  commit(work: (present: Tables) => Tables): boolean;
  unlock(): void;
}

/**
 * A transaction works on copies of the tables it touches. At its commit the same work is done on the tables as they stand then: of
 * those, other partitions may have changed other keys meanwhile; nobody else in transactional mode.
 */
export class MemoryTransaction implements FollowerTransaction {
  readonly #session: MemorySession;
  readonly #ending: MemoryEnding;
  readonly #building: boolean;
  readonly #faults: MemoryFollowerFaults;
  readonly #base: Tables;
  readonly #draft: Draft;
  readonly #done: ((draft: Draft) => void)[] = [];
  #open = true;

  constructor(
    store: MemoryFollowerStore,
    session: MemorySession,
    ending: MemoryEnding,
    building: boolean,
    faults: MemoryFollowerFaults,
  ) {
    this.#session = session;
    this.#ending = ending;
    this.#building = building;
    this.#faults = faults;
    this.#base = store.state.tables;
    this.#draft = new Draft(this.#base);
  }

  async evolve(next: MirroredTable, changes: readonly SchemaChange[]): Promise<void> {
    await this.#step('evolve', (draft) => draft.evolve(next, changes));
  }

  async forget(table: MirroredTable): Promise<void> {
    await this.#step('evolve', (draft) => draft.forget(table));
  }

  async write(batch: TableBatch): Promise<void> {
    const building = batch.table.state === 'building' || this.#building;
    await this.#step('write', (draft) => draft.own(batch.table).apply(batch, building));
  }

  newRows(table: MirroredTable): NewRowsSink | undefined {
    return this.#building || table.state !== 'exact' ? undefined : new RowGatherer();
  }

  async truncate(tables: readonly MirroredTable[]): Promise<void> {
    await this.#step('truncate', (draft) => draft.truncate(tables));
  }

  async deleteRange(
    table: MirroredTable,
    range: { readonly after: Row | null; readonly upTo: Row | null },
    keep: readonly Row[],
  ): Promise<void> {
    await this.#step('deleteRange', (draft) => draft.own(table).deleteRange(range.after, range.upTo, keep));
  }

  async commit(): Promise<void> {
    await this.#step('commit');
    this.#open = false;
    const fate = this.#faults.commit?.() ?? 'done';
    if (fate === 'lost-before') {
      this.#ending.unlock();
      throw uncertain();
    }
    const committed = this.#ending.commit((present) => this.#on(present));
    if (!committed || fate === 'lost-after') throw uncertain();
  }

  async abort(): Promise<void> {
    this.#open = false;
    this.#ending.unlock();
  }

  #on(present: Tables): Tables {
    if (present === this.#base) return this.#draft.tables;
    const draft = new Draft(present);
    for (const work of this.#done) work(draft);
    return draft.tables;
  }

  async #step(step: MemoryStep, work?: (draft: Draft) => void): Promise<void> {
    await this.#faults.before?.(step);
    if (!this.#open) throw new Fault('MR-9001', { detail: 'the follower transaction has ended' });
    if (this.#session.broken) {
      throw new Fault('MR-4001', { detail: 'The store ended the session of this transaction.' });
    }
    if (!work) return;
    work(this.#draft);
    this.#done.push(work);
  }
}

/** Tables as one transaction has changed them so far, copied at the first touch. */
class Draft {
  readonly tables: Map<string, MemoryTable>;
  readonly #copied = new Set<string>();

  constructor(tables: Tables) {
    this.tables = new Map(tables);
  }

  evolve(next: MirroredTable, changes: readonly SchemaChange[]): void {
    const was = evolvedFrom(this.tables, next, changes);
    const fresh = changes.some((change) => change.kind === 'create-table');
    if (!was && !fresh) throw notMirrored(next);
    if (was) this.tables.delete(was.mirrored.topic);
    this.tables.set(next.topic, fresh || !was ? new MemoryTable(next) : was.reshape(next));
    this.#copied.add(next.topic);
  }

  forget(table: MirroredTable): void {
    this.tables.delete(table.topic);
  }

  truncate(tables: readonly MirroredTable[]): void {
    for (const table of tables) {
      this.tables.set(table.topic, this.#find(table).empty());
      this.#copied.add(table.topic);
    }
  }

  /** This transaction's own copy, made at the first touch. */
  own(table: MirroredTable): MemoryTable {
    const found = this.#find(table);
    if (this.#copied.has(table.topic)) return found;
    const copy = found.copy();
    this.tables.set(table.topic, copy);
    this.#copied.add(table.topic);
    return copy;
  }

  #find(table: MirroredTable): MemoryTable {
    const found = this.tables.get(table.topic);
    if (!found) throw notMirrored(table);
    if (found.mirrored.version !== table.version) {
      throw new Fault('MR-9001', {
        detail: `${relationName(table.relation)} is mirrored at version ${found.mirrored.version}, written at ${table.version}`,
      });
    }
    return found;
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
