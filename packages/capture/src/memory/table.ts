import type { Cell, Relation, Row } from '@millrace/model';

/** A row change as it happened: full rows, whatever is sent of them. */
export interface MemoryChange {
  readonly op: 'insert' | 'update' | 'delete' | 'truncate';
  readonly relation: Relation;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
  /** WAL position of the change; many rows may share one. */
  readonly lsn: bigint;
}

const separator = '\u0001';

/** A key as one string; equal keys, equal strings. */
export const keyText = (relation: Relation, row: Row): string =>
  relation.key.map((column) => String(row[column])).join(separator);

export const keyCells = (relation: Relation, row: Row): string[] =>
  relation.key.map((column) => String(row[column]));

const integers = new Set(['int2', 'int4', 'int8', 'oid']);

/** Key order of this leader, which every follower shares: cell by cell, integers by value, the rest by bytes. */
export function compareKeys(relation: Relation, a: readonly string[], b: readonly string[]): number {
  for (const [i, column] of relation.key.entries()) {
    const x = a[i] as string;
    const y = b[i] as string;
    if (x === y) continue;
    if (integers.has(relation.columns[column]?.type.name ?? '')) return BigInt(x) < BigInt(y) ? -1 : 1;
    return Buffer.compare(Buffer.from(x), Buffer.from(y));
  }
  return 0;
}

export const sameRow = (a: Row, b: Row): boolean =>
  a.length === b.length && a.every((cell: Cell, i) => cell === b[i]);

/** The rows of one table: by key, or as a list when there is none. */
export class MemoryTable {
  relation: Relation;
  readonly #rows = new Map<string, Row>();
  #list: Row[] = [];

  constructor(relation: Relation) {
    this.relation = relation;
  }

  get keyed(): boolean {
    return this.relation.key.length > 0;
  }

  get rows(): readonly Row[] {
    return this.keyed ? [...this.#rows.values()] : [...this.#list];
  }

  get(key: readonly string[]): Row | undefined {
    return this.#rows.get(key.join(separator));
  }

  apply(change: MemoryChange): void {
    if (change.op === 'truncate') {
      this.#rows.clear();
      this.#list = [];
      return;
    }
    if (change.before) this.#remove(change.before);
    if (change.after) this.#add(change.after);
  }

  /** Brings every row into a new shape. */
  reshape(relation: Relation, map: (row: Row) => Row): void {
    const rows = this.rows.map(map);
    this.#rows.clear();
    this.#list = [];
    this.relation = relation;
    for (const row of rows) this.#add(row);
  }

  clone(): MemoryTable {
    const copy = new MemoryTable(this.relation);
    for (const row of this.rows) copy.#add(row);
    return copy;
  }

  #add(row: Row): void {
    if (this.keyed) this.#rows.set(keyText(this.relation, row), row);
    else this.#list.push(row);
  }

  #remove(row: Row): void {
    if (this.keyed) {
      this.#rows.delete(keyText(this.relation, row));
      return;
    }
    const at = this.#list.findIndex((each) => sameRow(each, row));
    if (at >= 0) this.#list.splice(at, 1);
  }
}
