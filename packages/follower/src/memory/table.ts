import type { Cell, Relation, Row, SchemaChange } from '@millrace/model';
import { relationName } from '@millrace/model';
import { assert, Fault } from '@millrace/runtime';
import { isOneKey, keyComparison, refuseUnorderedRange } from '../key-order.js';
import type { MirroredTable, TableBatch } from '../port.js';
import type { GatheredRows } from './new-rows.js';

const identityOf = (cells: Row): string => JSON.stringify(cells);

/** One table of a memory follower: a map by key, or a multiset of whole rows when it has none. Copied before it is changed. */
export class MemoryTable {
  readonly mirrored: MirroredTable;
  readonly #rows: Map<string, Row>;
  /** Copies per row; keyless tables only. */
  readonly #copies: Map<string, number>;

  constructor(
    mirrored: MirroredTable,
    rows: Iterable<readonly [string, Row]> = [],
    copies: Iterable<readonly [string, number]> = [],
  ) {
    this.mirrored = mirrored;
    this.#rows = new Map(rows);
    this.#copies = new Map(copies);
  }

  copy(mirrored: MirroredTable = this.mirrored): MemoryTable {
    return new MemoryTable(mirrored, this.#rows, this.#copies);
  }

  empty(): MemoryTable {
    return new MemoryTable(this.mirrored);
  }

  get #relation(): Relation {
    return this.mirrored.relation;
  }

  #keyOf(row: Row): Cell[] {
    return this.#relation.key.map((index) => row[index]);
  }

  /** Applies one batch. `building`: updates and deletes of absent rows are ignored (R30). */
  apply(batch: TableBatch, building: boolean): void {
    for (const row of (batch.newRows as GatheredRows | undefined)?.rows ?? []) this.#insert(row);
    for (const key of batch.deletes) {
      if (!this.#rows.delete(identityOf(key)) && !building) throw this.#missing('delete');
    }
    for (const move of batch.moves) this.#move(move.key, move.row, building);
    for (const patch of batch.patches) this.#move(this.#keyOf(patch), patch, building);
    for (const row of batch.upserts) this.#put(row);
    for (const row of batch.removes) this.#remove(row, building);
    for (const row of batch.inserts) this.#add(row);
  }

  #put(row: Row): void {
    this.#checkWhole(row);
    assert(this.#relation.key.length > 0, 'upserts need a key');
    this.#rows.set(identityOf(this.#keyOf(row)), row);
  }

  /** A new row; the reference is strict about what that means. */
  #insert(row: Row): void {
    if (this.#relation.key.length === 0) this.#add(row);
    else if (this.#rows.has(identityOf(this.#keyOf(row))))
      throw new Fault('MR-4006', {
        detail: `A new row of ${relationName(this.#relation)} was there already.`,
      });
    else this.#put(row);
  }

  #add(row: Row): void {
    this.#checkWhole(row);
    const id = identityOf(row);
    this.#rows.set(id, row);
    this.#copies.set(id, (this.#copies.get(id) ?? 0) + 1);
  }

  #remove(row: Row, building: boolean): void {
    const id = identityOf(row);
    const copies = this.#copies.get(id) ?? 0;
    if (copies === 0) {
      if (building) return;
      throw this.#missing('delete');
    }
    if (copies > 1) this.#copies.set(id, copies - 1);
    else {
      this.#copies.delete(id);
      this.#rows.delete(id);
    }
  }

  #move(key: Row, row: Row, building: boolean): void {
    const old = this.#rows.get(identityOf(key));
    if (!old) {
      if (building) return;
      throw this.#missing('update');
    }
    this.#rows.delete(identityOf(key));
    const merged = row.map((cell, i) => (cell === undefined ? (old[i] as Cell) : cell));
    this.#put(merged);
  }

  /** Deletes rows with after < key ≤ upTo that are not among `keep`; the whole table when keyless. */
  deleteRange(after: Row | null, upTo: Row | null, keep: readonly Row[]): void {
    if (this.#relation.key.length === 0) {
      this.#rows.clear();
      this.#copies.clear();
      return;
    }
    const kept = new Set(keep.map(identityOf));
    if (isOneKey(after, upTo)) {
      if (!kept.has(identityOf(after))) this.#rows.delete(identityOf(after));
      return;
    }
    if (after || upTo) refuseUnorderedRange(this.#relation);
    const compare = keyComparison(this.#relation);
    for (const [id, row] of this.#rows) {
      const key = this.#keyOf(row);
      if (after && compare(key, after) <= 0) continue;
      if (upTo && compare(key, upTo) > 0) continue;
      if (!kept.has(id)) this.#rows.delete(id);
    }
  }

  /** The table in a new shape: cells follow their column's attnum (R37); rows older than a column read its missing value. */
  reshape(next: MirroredTable): MemoryTable {
    const source = next.relation.columns.map((column) => {
      const index = this.#relation.columns.findIndex((was) => was.attnum === column.attnum);
      return { index, missing: column.missing };
    });
    const reshaped = new MemoryTable(next);
    for (const [id, row] of this.#rows) {
      const cells = source.map(({ index, missing }) => (index < 0 ? missing : (row[index] as Cell)));
      if (next.relation.key.length > 0) reshaped.#put(cells);
      else for (let copies = this.#copies.get(id) ?? 1; copies > 0; copies--) reshaped.#add(cells);
    }
    return reshaped;
  }

  /** Rows in no particular order, copies repeated. */
  *rows(): IterableIterator<Row> {
    for (const [id, row] of this.#rows) {
      for (let copies = this.#copies.get(id) ?? 1; copies > 0; copies--) yield row;
    }
  }

  /** Rows in key order; those of keyless tables in the order of their text, copies repeated. */
  sorted(): Row[] {
    if (this.#relation.key.length > 0) {
      const compare = keyComparison(this.#relation);
      return [...this.#rows.values()].sort((a, b) => compare(this.#keyOf(a), this.#keyOf(b)));
    }
    const rows: Row[] = [];
    for (const id of [...this.#rows.keys()].sort()) {
      for (let copies = this.#copies.get(id) ?? 1; copies > 0; copies--) rows.push(this.#rows.get(id) as Row);
    }
    return rows;
  }

  /** A keyed table cannot hold a whole row with absent cells; nor may one be guessed (promise 8). */
  #checkWhole(row: Row): void {
    assert(
      row.length === this.#relation.columns.length,
      `a row of ${relationName(this.#relation)} has a cell per column`,
    );
    assert(!row.includes(undefined), `a whole row of ${relationName(this.#relation)} has no absent cells`);
    this.#relation.columns.forEach((column, i) => {
      if (column.notNull && row[i] === null) {
        throw new Fault('MR-4006', {
          detail: `Column ${column.name} of ${relationName(this.#relation)} must not be null.`,
        });
      }
    });
  }

  #missing(what: 'update' | 'delete'): Fault {
    return new Fault('MR-4010', {
      detail: `A row of ${relationName(this.#relation)} that the leader changed (${what}) is not in the follower.`,
    });
  }
}

/** The table that `changes` start from: by topic, or under its old name and topic when it was renamed. */
export function evolvedFrom(
  tables: ReadonlyMap<string, MemoryTable>,
  next: MirroredTable,
  changes: readonly SchemaChange[],
): MemoryTable | undefined {
  const sameTopic = tables.get(next.topic);
  if (sameTopic?.mirrored.relation.id === next.relation.id) return sameTopic;
  const renamed = changes.some((change) => change.kind === 'rename-table');
  if (!renamed) return sameTopic;
  return [...tables.values()].find((table) => table.mirrored.relation.id === next.relation.id);
}
