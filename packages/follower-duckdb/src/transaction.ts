import {
  type FollowerTransaction,
  isOneKey,
  type MirroredTable,
  type NewRowsSink,
  type TableBatch,
} from '@millrace/follower';
import type { Row, SchemaChange } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { Engine } from './engine/engine.js';
import { isOutOfMemory } from './engine/faults.js';
import {
  type KeyRange,
  keyCondition,
  keysInRange,
  ordersNatively,
  rangeConditions,
} from './rows/key-range.js';
import { emptyBatch, Merge } from './rows/merge.js';
import { ChunkSink, type NewChunks } from './rows/new-rows.js';
import type { MirroredTables } from './store/tables.js';
import type { TableLayout } from './table/layout.js';

/** What a transaction needs of its follower. */
export interface TransactionScope {
  readonly engine: Engine;
  readonly tables: MirroredTables;
  /** R30, for the whole transaction. */
  readonly building: boolean;
  /** Called once: with the tables as they are now, or undefined when the transaction came to nothing. */
  readonly ended: (tables: MirroredTables | undefined) => void;
}

export class DuckDbTransaction implements FollowerTransaction {
  readonly #scope: TransactionScope;
  #open = true;

  constructor(scope: TransactionScope) {
    this.#scope = scope;
  }

  async evolve(table: MirroredTable, changes: readonly SchemaChange[]): Promise<void> {
    await this.#running().tables.evolve(table, changes);
  }

  async forget(table: MirroredTable, options: { readonly drop: boolean }): Promise<void> {
    await this.#running().tables.forget(table, options.drop);
  }

  async write(batch: TableBatch): Promise<void> {
    const { tables } = this.#running();
    if (batch.newRows) await this.#merge(tables.layout(batch.table)).add(batch.newRows as NewChunks);
    else await this.#merge(tables.touch(batch.table)).write(batch);
  }

  newRows(table: MirroredTable): NewRowsSink | undefined {
    const { tables, building } = this.#running();
    return building || table.state !== 'exact' ? undefined : new ChunkSink(tables.layout(table));
  }

  async truncate(tables: readonly MirroredTable[]): Promise<void> {
    const scope = this.#running();
    for (const table of tables) {
      await scope.engine.write('truncating', `DELETE FROM ${scope.tables.touch(table).sql}`);
    }
  }

  async deleteRange(table: MirroredTable, range: KeyRange, keep: readonly Row[]): Promise<void> {
    const { engine, tables } = this.#running();
    const layout = tables.touch(table);
    const open = range.after === null && range.upTo === null;
    if (layout.key.length === 0) await engine.write('deleting all rows', `DELETE FROM ${layout.sql}`);
    else if (isOneKey(range.after, range.upTo)) {
      await this.#merge(layout).deleteRange([keyCondition(layout, range.after)], keep);
    } else if (open || ordersNatively(layout)) {
      await this.#merge(layout).deleteRange(rangeConditions(layout, range), keep);
    } else {
      const kept = new Set(keep.map((key) => JSON.stringify(key)));
      const keys = await keysInRange(engine, layout, range);
      const deletes = keys.filter((key) => !kept.has(JSON.stringify(key)));
      await this.#merge(layout).write({ ...emptyBatch(table), deletes });
    }
  }

  async commit(): Promise<void> {
    const { engine, tables, ended } = this.#running();
    this.#open = false;
    try {
      await engine.write('committing', 'COMMIT');
    } catch (error) {
      ended(undefined);
      const fault = engine.fault(error, 'committing');
      // It would fail in the same way for ever; the position row tells whether it took effect.
      if (isOutOfMemory(error)) throw fault;
      // Whether the commit reached the disk is not told: only the file knows.
      throw new Fault('MR-4011', {
        detail: `DuckDB failed during the commit: ${fault.detail}`,
        cause: error,
      });
    }
    ended(tables);
  }

  async abort(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#scope.ended(undefined);
    await rollBack(this.#scope.engine);
  }

  #merge(layout: TableLayout): Merge {
    const building = this.#scope.building || layout.mirrored.state === 'building';
    return new Merge(this.#scope.engine, layout, building);
  }

  #running(): TransactionScope {
    if (!this.#open) throw new Fault('MR-9001', { detail: 'the follower transaction has ended' });
    return this.#scope;
  }
}

/** Never throws: a transaction that cannot be rolled back is gone with its engine. */
export async function rollBack(engine: Engine): Promise<void> {
  try {
    await engine.write('rolling back', 'ROLLBACK');
  } catch {
    // The engine remembers that it is beyond use, and is opened anew.
  }
}
