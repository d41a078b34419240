import type { MirroredTable, TableBatch } from '@millrace/follower';
import { type Row, relationName } from '@millrace/model';
import { assert } from '@millrace/runtime';
import { hasAbsent, overlay, rowText } from './cells.js';
import { type Coalescer, emptyBatch, type TableEvent } from './table-event.js';

/** Rows of a table without key are a multiset: what counts is the net number of copies. */
export class KeylessRows implements Coalescer {
  readonly #table: MirroredTable;
  readonly #net = new Map<string, { readonly row: Row; copies: number }>();
  #rows = 0;

  constructor(table: MirroredTable) {
    this.#table = table;
  }

  get rows(): number {
    return this.#rows;
  }

  add({ op, before, after }: TableEvent): void {
    if ((op === 'u' || op === 'd') && before) this.#count(before, -1);
    if (op !== 'd' && after) this.#count(before ? overlay(before, after) : after, 1);
  }

  #count(row: Row, copies: 1 | -1): void {
    assert(!hasAbsent(row), `rows of ${relationName(this.#table.relation)} come whole, it has no key`);
    const id = rowText(row);
    const entry = this.#net.get(id);
    this.#rows++;
    if (!entry) this.#net.set(id, { row, copies });
    else entry.copies += copies;
  }

  clear(): void {
    this.#net.clear();
    this.#rows = 0;
  }

  take(): TableBatch[] {
    const inserts: Row[] = [];
    const removes: Row[] = [];
    for (const { row, copies } of this.#net.values()) {
      const target = copies > 0 ? inserts : removes;
      for (let i = Math.abs(copies); i > 0; i--) target.push(row);
    }
    this.clear();
    if (inserts.length === 0 && removes.length === 0) return [];
    return [{ ...emptyBatch(this.#table), inserts, removes }];
  }
}
