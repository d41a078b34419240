import {
  type Follower,
  type FollowerCapabilities,
  type FollowerTransaction,
  fenceVerdict,
  type MirroredTable,
  type Ownership,
  type PositionRow,
  type StoredPosition,
} from '@millrace/follower';
import type { Relation, Row } from '@millrace/model';
import { Engine } from './engine/engine.js';
import { type DuckDbFollowerOptions, defaultMetaSchema } from './options.js';
import { MetaTables } from './store/meta.js';
import { MirroredTables, type TablePolicy } from './store/tables.js';
import { type HeldColumn, TableLayout } from './table/layout.js';
import { DuckDbTransaction, rollBack } from './transaction.js';

/** A DuckDB file as a follower. Opened when first used, and held until `close`: nobody else can open it meanwhile. */
export function createDuckDbFollower(options: DuckDbFollowerOptions): Follower {
  return new DuckDbFollower(options);
}

interface OpenStore {
  readonly engine: Engine;
  readonly meta: MetaTables;
}

class DuckDbFollower implements Follower {
  readonly capabilities: FollowerCapabilities = {
    kind: 'duckdb',
    transactional: true,
    transactionalSchema: true,
    singleOwner: true,
  };
  readonly #options: DuckDbFollowerOptions;
  readonly #policy: TablePolicy;
  #store: Promise<OpenStore> | undefined;
  #ownership: Ownership | undefined;
  #installed = false;
  /** What the last transaction left; undefined when not known. */
  #tables: MirroredTables | undefined;
  #open: DuckDbTransaction | undefined;

  constructor(options: DuckDbFollowerOptions) {
    this.#options = options;
    this.#policy = { schemas: options.schemas ?? {}, metaSchema: options.metaSchema ?? defaultMetaSchema };
  }

  async storeId(): Promise<Uint8Array | undefined> {
    const { meta } = await this.#opened();
    return (await this.#isInstalled(meta)) ? await meta.storeId() : undefined;
  }

  async register(initial: StoredPosition, options: { readonly reset: boolean }): Promise<void> {
    const { meta } = await this.#idle();
    const row = await this.#row(meta);
    if (row && !options.reset) return;
    await this.#alone(async () => {
      await meta.install();
      await meta.register(initial, (row?.generation ?? 0) + 1);
    });
    this.#installed = true;
  }

  async takeOver(owner: Uint8Array): Promise<StoredPosition | undefined> {
    const { meta } = await this.#idle();
    if (!(await this.#row(meta))) return undefined;
    await this.#alone(() => meta.takeOver(owner));
    const row = await meta.row();
    this.#tables = undefined;
    this.#ownership = row && { owner: row.owner, generation: row.generation };
    return row;
  }

  async position(): Promise<(StoredPosition & { readonly owner: Uint8Array }) | undefined> {
    return await this.#row((await this.#opened()).meta);
  }

  async tables(): Promise<readonly MirroredTable[]> {
    const { meta } = await this.#opened();
    return (await this.#isInstalled(meta)) ? (await meta.entries()).map((entry) => entry.mirrored) : [];
  }

  async begin(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction> {
    const { engine, meta } = await this.#idle();
    const row = await this.#row(meta);
    const owned = this.#ownership;
    const refusal = fenceVerdict(this.#options.name, row, owned, from);
    if (refusal || !owned) throw refusal;
    const tables =
      this.#tables?.copy() ?? MirroredTables.of(engine, meta, this.#policy, await meta.entries());
    await engine.write('beginning a transaction', 'BEGIN TRANSACTION');
    const moved = await this.#rollingBack(engine, () => meta.move(owned, from, to));
    if (!moved) {
      await rollBack(engine);
      throw fenceVerdict(this.#options.name, await meta.row(), undefined, from);
    }
    const transaction: DuckDbTransaction = new DuckDbTransaction({
      engine,
      tables,
      building: from.state !== 'exact' || to.state !== 'exact',
      ended: (left) => {
        this.#tables = left;
        if (this.#open === transaction) this.#open = undefined;
      },
    });
    this.#open = transaction;
    return transaction;
  }

  async *scan(table: Relation): AsyncIterable<readonly Row[]> {
    const { engine, meta } = await this.#opened();
    const entries = (await this.#isInstalled(meta)) ? await meta.entries() : [];
    const entry = entries.find(
      ({ mirrored }) => mirrored.relation.schema === table.schema && mirrored.relation.name === table.name,
    );
    if (!entry) return;
    const layout = new TableLayout(engine.catalog, entry.mirrored, entry.place);
    const order =
      layout.key.length > 0 ? ` ORDER BY ${layout.keyColumns.map(({ sql }) => sql).join(', ')}` : '';
    const sql = `SELECT ${layout.columnList} FROM ${layout.sql}${order}`;
    for await (const result of engine.stream('scanning', sql)) {
      for (
        let chunk = await result.fetchChunk();
        chunk && chunk.rowCount > 0;
        chunk = await result.fetchChunk()
      ) {
        yield chunk
          .getRows()
          .map((cells) =>
            cells.map((value, i) =>
              value === null ? null : (layout.columns[i] as HeldColumn).held.write(value),
            ),
          );
      }
    }
  }

  async close(): Promise<void> {
    this.#ownership = undefined;
    await this.#open?.abort();
    const store = await this.#store?.catch(() => undefined);
    this.#store = undefined;
    store?.engine.close();
  }

  async #opened(): Promise<OpenStore> {
    const present = await this.#store?.catch(() => undefined);
    if (present?.engine.usable) return present;
    present?.engine.close();
    this.#tables = undefined;
    this.#store = this.#openFile();
    return await this.#store;
  }

  async #openFile(): Promise<OpenStore> {
    const engine = await Engine.open(this.#options);
    return { engine, meta: new MetaTables(engine, this.#policy.metaSchema, this.#options.name) };
  }

  /** The store outside any transaction: one left open by a caller that failed is rolled back. */
  async #idle(): Promise<OpenStore> {
    await this.#open?.abort();
    return await this.#opened();
  }

  async #isInstalled(meta: MetaTables): Promise<boolean> {
    this.#installed ||= await meta.installed();
    return this.#installed;
  }

  async #row(meta: MetaTables): Promise<PositionRow | undefined> {
    return (await this.#isInstalled(meta)) ? await meta.row() : undefined;
  }

  /** A transaction of its own. */
  async #alone(work: () => Promise<void>): Promise<void> {
    const { engine } = await this.#opened();
    await engine.write('beginning a transaction', 'BEGIN TRANSACTION');
    await this.#rollingBack(engine, async () => {
      await work();
      await engine.write('committing', 'COMMIT');
    });
  }

  async #rollingBack<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await rollBack(engine);
      throw error;
    }
  }
}
