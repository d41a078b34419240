import type { Relation, Row } from '@millrace/model';
import type { SchemaCertainty } from '../source.js';
import type { MemoryLeader } from './leader.js';
import { keyText, type MemoryChange, sameRow } from './table.js';
import type { MemoryCommit, Reshape } from './wal.js';

/** A transaction on the memory leader. Methods return false when a row is locked by another one, or not there. */
export class MemoryTransaction {
  readonly #leader: MemoryLeader;
  readonly #changes: MemoryChange[] = [];
  readonly #reshapes: Reshape[] = [];
  #xid: number | undefined;

  constructor(leader: MemoryLeader) {
    this.#leader = leader;
  }

  get xid(): number | undefined {
    return this.#xid;
  }

  wrote(oid: number): boolean {
    return this.#changes.some(({ relation }) => relation.id === oid);
  }

  /** COPY, multi-row INSERT: all rows at one LSN. */
  insert(oid: number, ...rows: readonly Row[]): boolean {
    const relation = this.#relation(oid);
    const xid = this.#enlist();
    for (const row of rows)
      if (!this.#leader.lock(xid, relation, row) || (relation.key.length > 0 && this.#current(oid, row)))
        return false;
    const lsn = this.#leader.logChange();
    for (const after of rows) this.#changes.push({ op: 'insert', relation, before: undefined, after, lsn });
    return true;
  }

  /** `row` names the old row: by key, or in full when there is none. */
  update(oid: number, row: Row, after: Row): boolean {
    const relation = this.#relation(oid);
    const xid = this.#enlist();
    if (!this.#leader.lock(xid, relation, row) || !this.#leader.lock(xid, relation, after)) return false;
    const before = this.#current(oid, row);
    if (!before) return false;
    if (
      relation.key.length > 0 &&
      keyText(relation, before) !== keyText(relation, after) &&
      this.#current(oid, after)
    )
      return false;
    this.#changes.push({ op: 'update', relation, before, after, lsn: this.#leader.logChange() });
    return true;
  }

  delete(oid: number, row: Row): boolean {
    const relation = this.#relation(oid);
    if (!this.#leader.lock(this.#enlist(), relation, row)) return false;
    const before = this.#current(oid, row);
    if (!before) return false;
    this.#changes.push({ op: 'delete', relation, before, after: undefined, lsn: this.#leader.logChange() });
    return true;
  }

  truncate(oid: number): boolean {
    const relation = this.#relation(oid);
    if (this.#leader.isLocked(this.#enlist(), oid)) return false;
    this.#changes.push({
      op: 'truncate',
      relation,
      before: undefined,
      after: undefined,
      lsn: this.#leader.logChange(),
    });
    return true;
  }

  /** A schema change between this transaction's other changes, which leaves every cell where it is: another key, say. */
  alter(relation: Relation, certainty: SchemaCertainty = { certain: true }): void {
    this.#enlist();
    const published = this.#leader.isPublished(relation.id);
    this.#reshapes.push({ relation, map: (row) => row, certainty, published });
  }

  #relation(oid: number): Relation {
    return (
      this.#reshapes.findLast(({ relation }) => relation.id === oid)?.relation ?? this.#leader.relation(oid)
    );
  }

  /** The row as this transaction sees it. */
  #current(oid: number, row: Row): Row | undefined {
    const table = this.#leader.table(oid);
    const relation = this.#relation(oid);
    const same = (a: Row, b: Row): boolean =>
      relation.key.length > 0 ? keyText(relation, a) === keyText(relation, b) : sameRow(a, b);
    let found =
      table.keyed && relation === table.relation
        ? table.get(relation.key.map((column) => String(row[column])))
        : table.rows.find((each) => same(each, row));
    for (const change of this.#changes) {
      if (change.relation.id !== oid) continue;
      if (change.op === 'truncate') found = undefined;
      if (change.before && same(change.before, row)) found = undefined;
      if (change.after && same(change.after, row)) found = change.after;
    }
    return found;
  }

  /** `hidden`: in the WAL, but not visible to reads until `leader.reveal(xid)`. An empty transaction leaves no trace. */
  commit(options: { readonly hidden?: boolean } = {}): MemoryCommit | undefined {
    if (this.#xid === undefined) return undefined;
    return this.#leader.commit(this.#xid, this.#changes, this.#reshapes, options.hidden ?? false);
  }

  rollback(): void {
    if (this.#xid !== undefined) this.#leader.rollback(this.#xid);
  }

  #enlist(): number {
    this.#xid ??= this.#leader.enlist(this);
    return this.#xid;
  }
}
