import { type Relation, rowImageOf } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { sameKey } from '../snapshot/states.js';
import type { InitialSnapshot, KeyRange, RowReceiver, SnapshotTable } from '../source.js';
import type { MemorySourceOptions } from './options.js';
import { compareKeys, keyCells, type MemoryTable } from './table.js';

/** Rows of `table` in a range, in key order; all of them when it has no key. */
export function rowsIn(table: MemoryTable, range: KeyRange): (readonly (string | null | undefined)[])[] {
  const rows = [...table.rows];
  if (!table.keyed) return rows;
  const { relation } = table;
  const single = range.after !== null && sameKey(range.after, range.upTo);
  return rows
    .map((row) => ({ row, key: keyCells(relation, row) }))
    .filter(({ key }) => {
      if (single) return sameKey(key, range.after);
      if (range.after && compareKeys(relation, key, range.after) <= 0) return false;
      return !range.upTo || compareKeys(relation, key, range.upTo) <= 0;
    })
    .sort((a, b) => compareKeys(relation, a.key, b.key))
    .map(({ row }) => row);
}

/** What the slot's exported snapshot holds: everything committed before its consistent point. Gone with its session. */
export class MemorySnapshot implements InitialSnapshot {
  readonly tables: readonly SnapshotTable[];
  readonly #tables: Map<number, MemoryTable>;
  readonly #o: MemorySourceOptions;
  readonly #session: AbortSignal;
  #closed = false;

  constructor(options: MemorySourceOptions, session: AbortSignal) {
    this.#o = options;
    this.#session = session;
    this.#tables = options.leader.committedTables();
    this.tables = options.leader.published().map((relation) => ({
      relation,
      estimatedRows: this.#table(relation).rows.length,
    }));
  }

  async plan({ relation }: SnapshotTable, rows: number): Promise<readonly KeyRange[]> {
    await this.#latency();
    const table = this.#table(relation);
    if (!table.keyed) return [{ after: null, upTo: null }];
    const keys = rowsIn(table, { after: null, upTo: null }).map((row) => keyCells(relation, row));
    const ranges: KeyRange[] = [];
    let after: readonly string[] | null = null;
    for (let i = rows - 1; i < keys.length - 1; i += rows) {
      const upTo: readonly string[] = keys[i] as string[];
      ranges.push({ after, upTo });
      after = upTo;
    }
    ranges.push({ after, upTo: null });
    return ranges;
  }

  async read(
    { relation }: SnapshotTable,
    range: KeyRange,
    to: RowReceiver,
    signal: AbortSignal,
  ): Promise<void> {
    for (const row of rowsIn(this.#table(relation), range)) {
      await this.#latency();
      if (signal.aborted) return;
      const image = rowImageOf(row);
      to.row(image);
      image.bytes.fill(0x3f);
      const room = to.room();
      if (room) await room;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #table(relation: Relation): MemoryTable {
    const table = this.#tables.get(relation.id);
    if (!table) throw new Fault('MR-9001', { detail: `the snapshot has no table ${relation.id}` });
    return table;
  }

  async #latency(): Promise<void> {
    const ms = this.#o.latency_ms?.() ?? 0;
    if (ms > 0) await this.#o.clock.sleep(ms, this.#session);
    if (this.#closed || this.#session.aborted)
      throw new Fault('MR-2012', { detail: 'the exported snapshot is gone with its connection' });
  }
}
