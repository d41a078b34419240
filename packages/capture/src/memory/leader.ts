import { type Lsn, lsn, minLsn, type Relation, type Row } from '@millrace/model';
import { type Clock, Fault } from '@millrace/runtime';
import type { LeaderIdentity, SchemaCertainty, Visibility, Watermark } from '../source.js';
import { keyText, type MemoryChange, MemoryTable } from './table.js';
import { MemoryTransaction } from './transaction.js';
import type { MemoryCommit, Reshape } from './wal.js';

/** Sizes of WAL records, bytes. Multiples, so that positions look like a server's. */
const change_bytes = 32n;
const commit_bytes = 16n;
/** A fresh cluster's first WAL position. */
const firstLsn = 0x0150_0000n;
const firstXid = 700;

/** A replication slot as the leader keeps it. */
export interface MemorySlot {
  confirmed: Lsn;
  /** What survives a crash of the leader: saved at checkpoints only. */
  saved: Lsn;
  holder: { readonly description: string; readonly cut: (error: Fault) => void } | undefined;
}

export interface MemoryLeaderOptions {
  readonly clock: Clock;
  /** First WAL position: beyond 2^53 or 2^63, say. */
  readonly startLsn?: bigint;
  readonly systemId?: bigint;
}

/**
 * A tiny leader: tables, transactions that interleave, one WAL, one slot. What it cannot do (locks that wait, deadlocks, real
 * recovery) is left to its user to avoid: a write to a row that another open transaction wrote is refused.
 */
export class MemoryLeader {
  readonly clock: Clock;
  /** It is a standby, and may be behind what it once had. */
  isReplaying = false;
  readonly #systemId: bigint;
  #timeline = 1;
  #ancestry: { timeline: number; switchLsn: Lsn }[] = [];
  #lsn: bigint;
  #nextXid = firstXid;
  readonly #open = new Map<number, MemoryTransaction>();
  /** Committed, yet not visible to reads: waiting for a synchronous standby, say. */
  readonly #hidden = new Map<number, MemoryCommit>();
  readonly #locks = new Map<string, number>();
  #commits: MemoryCommit[] = [];
  /** By oid, as reads see them. */
  #visible = new Map<number, MemoryTable>();
  /** Shapes the tables were made with. */
  readonly #created = new Map<number, Relation>();
  readonly #published = new Set<number>();
  /** How often a table was published. */
  readonly #memberships = new Map<number, number>();
  /** Between which positions a table that was published was not. */
  readonly #unpublished = new Map<number, { readonly from: bigint; until: bigint | undefined }>();
  #slot: MemorySlot | undefined;
  #watchers: (() => void)[] = [];

  constructor({ clock, startLsn = firstLsn, systemId = 0x6b8b4567327b23c6n }: MemoryLeaderOptions) {
    this.clock = clock;
    this.#lsn = startLsn;
    this.#systemId = systemId;
  }

  get identity(): LeaderIdentity {
    return { systemId: this.#systemId, timeline: this.#timeline, ancestry: [...this.#ancestry] };
  }

  /** Where the next record will be written. */
  get position(): Lsn {
    return lsn(this.#lsn);
  }

  /** Every transaction that happened on this timeline, in commit order: what a follower must equal a replay of. */
  get commits(): readonly MemoryCommit[] {
    return this.#commits;
  }

  get slot(): MemorySlot | undefined {
    return this.#slot;
  }

  relation(oid: number): Relation {
    return this.#table(oid).relation;
  }

  published(): Relation[] {
    return [...this.#visible.values()]
      .filter((t) => this.#published.has(t.relation.id))
      .map((t) => t.relation);
  }

  /** Whether the slot sends a change of the table that was made at a position. */
  isPublished(oid: number, at = this.#lsn): boolean {
    const gap = this.#unpublished.get(oid);
    if (!gap) return this.#published.has(oid);
    return at < gap.from || (gap.until !== undefined && at >= gap.until);
  }

  /** Whether it is there and published now. */
  isReadable(oid: number): boolean {
    return this.#published.has(oid) && this.#visible.has(oid);
  }

  /** Rows as reads see them now. */
  rows(oid: number): readonly Row[] {
    return this.#table(oid).rows;
  }

  /** A table with all that is committed, visible or not: what a slot's snapshot holds. */
  committedTables(): Map<number, MemoryTable> {
    const tables = new Map([...this.#visible].map(([oid, table]) => [oid, table.clone()]));
    for (const commit of this.#hidden.values()) applyTo(tables, commit);
    return tables;
  }

  createTable(relation: Relation, published = true): void {
    this.#created.set(relation.id, relation);
    this.#visible.set(relation.id, new MemoryTable(relation));
    if (published) this.#join(relation.id);
  }

  #join(oid: number): void {
    if (!this.#published.has(oid)) this.#memberships.set(oid, (this.#memberships.get(oid) ?? 0) + 1);
    this.#published.add(oid);
  }

  membership(oid: number): string {
    return String(this.#memberships.get(oid) ?? '');
  }

  /** ALTER PUBLICATION … ADD TABLE. */
  publish(oid: number): void {
    this.#join(oid);
    const gap = this.#unpublished.get(oid);
    if (gap) gap.until = this.#lsn;
  }

  /** ALTER PUBLICATION … DROP TABLE. What the slot has not sent yet, it sends all the same. */
  unpublish(oid: number): void {
    if (this.#published.delete(oid)) this.#unpublished.set(oid, { from: this.#lsn, until: undefined });
  }

  dropTable(oid: number): void {
    this.unpublish(oid);
    this.#visible.delete(oid);
    this.#created.delete(oid);
  }

  /** A schema change in a transaction of its own. No open transaction may have written the table. */
  alter(
    relation: Relation,
    map: (row: Row) => Row,
    certainty: SchemaCertainty = { certain: true },
  ): MemoryCommit {
    const reshape: Reshape = { relation, map, certainty, published: this.#published.has(relation.id) };
    return this.#commit(this.#assignXid(), [], [], [reshape], false);
  }

  begin(): MemoryTransaction {
    return new MemoryTransaction(this);
  }

  /** A logical message in a transaction of its own: a watermark. */
  message(mark: Watermark): MemoryCommit {
    return this.#commit(this.#assignXid(), [], [mark], [], false);
  }

  /** WAL of tables that nobody publishes. */
  unpublishedWork(bytes: bigint): void {
    this.#lsn += bytes;
    this.#wake();
  }

  /** A hidden commit becomes visible to reads. */
  reveal(xid: number): void {
    const commit = this.#hidden.get(xid);
    if (!commit) return;
    this.#hidden.delete(xid);
    applyTo(this.#visible, commit);
    this.#unlock(xid);
  }

  get hiddenXids(): number[] {
    return [...this.#hidden.keys()];
  }

  visibility(): Visibility {
    const inProgress = [...this.#open.keys(), ...this.#hidden.keys()].sort((a, b) => a - b).map(BigInt);
    return {
      xmin: inProgress[0] ?? BigInt(this.#nextXid),
      xmax: BigInt(this.#nextXid),
      inProgress,
    };
  }

  /** Makes the slot, if there is none. Returns true when it did. */
  ensureSlot(): boolean {
    if (this.#slot) return false;
    this.#slot = { confirmed: this.position, saved: this.position, holder: undefined };
    return true;
  }

  /** Somebody else drops the slot (and, with `again`, makes it anew). */
  dropSlot(again = false): void {
    this.cutConnection('the slot was dropped');
    this.#slot = undefined;
    if (again) this.ensureSlot();
    this.#wake();
  }

  /** What `slot.confirmed` survives a crash as. */
  checkpoint(): void {
    if (this.#slot) this.#slot.saved = this.#slot.confirmed;
  }

  /** Crash and restart: connections break, open transactions are gone, the slot is where it was saved. */
  crash(): void {
    this.cutConnection('the leader crashed');
    for (const transaction of [...this.#open.values()]) transaction.rollback();
    for (const xid of this.hiddenXids) this.reveal(xid);
    if (this.#slot) this.#slot.confirmed = this.#slot.saved;
  }

  cutConnection(reason: string): void {
    this.#slot?.holder?.cut(new Fault('MR-2012', { detail: reason }));
  }

  /**
   * A standby is promoted that has everything before `forkAt`: later commits never happened, and new ones may carry their
   * LSNs. Slots are on the standby too, where they stood or at `forkAt`.
   */
  failover(forkAt: Lsn): void {
    this.cutConnection('the leader failed over');
    this.#goBack(forkAt);
    this.#ancestry = [...this.#ancestry, { timeline: this.#timeline, switchLsn: forkAt }];
    this.#timeline++;
    if (this.#slot && this.#slot.confirmed > forkAt) this.#slot.confirmed = forkAt;
  }

  /**
   * Its disk is put back to an older copy, whose WAL ended at `end`: as a failover, but on the same timeline. The slot is where the
   * copy had saved it, or is not in the copy.
   */
  putBack(end: Lsn, hasSlot = true): void {
    this.cutConnection('the leader was put back');
    this.#goBack(end);
    if (!hasSlot) this.#slot = undefined;
    else if (this.#slot) this.#slot.confirmed = minLsn(this.#slot.saved, end);
  }

  /** Resolves at the next record, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.#watchers.push(done);
    });
  }

  /** For watchers of the slot: it is free again. */
  released(): void {
    this.#wake();
  }

  // What transactions do.

  enlist(transaction: MemoryTransaction): number {
    const xid = this.#assignXid();
    this.#open.set(xid, transaction);
    return xid;
  }

  /** False: another transaction wrote the row and has not ended. */
  lock(xid: number, relation: Relation, row: Row): boolean {
    if (relation.key.length === 0) return true;
    const name = `${relation.id}/${keyText(relation, row)}`;
    const holder = this.#locks.get(name);
    if (holder !== undefined && holder !== xid) return false;
    this.#locks.set(name, xid);
    return true;
  }

  /** TRUNCATE's lock: nobody else may have written the table. */
  isLocked(xid: number, oid: number): boolean {
    for (const [name, holder] of this.#locks) if (holder !== xid && name.startsWith(`${oid}/`)) return true;
    for (const [other, transaction] of this.#open) if (other !== xid && transaction.wrote(oid)) return true;
    for (const [other, commit] of this.#hidden)
      if (other !== xid && commit.changes.some(({ relation }) => relation.id === oid)) return true;
    return false;
  }

  table(oid: number): MemoryTable {
    return this.#table(oid);
  }

  logChange(): bigint {
    const at = this.#lsn;
    this.#lsn += change_bytes;
    return at;
  }

  commit(
    xid: number,
    changes: readonly MemoryChange[],
    reshapes: readonly Reshape[],
    hidden: boolean,
  ): MemoryCommit {
    this.#open.delete(xid);
    return this.#commit(xid, changes, [], reshapes, hidden);
  }

  rollback(xid: number): void {
    this.#open.delete(xid);
    this.#unlock(xid);
  }

  #commit(
    xid: number,
    changes: readonly MemoryChange[],
    marks: readonly Watermark[],
    reshapes: readonly Reshape[],
    hidden: boolean,
  ): MemoryCommit {
    const commit = lsn(this.#lsn);
    this.#lsn += commit_bytes;
    const committed: MemoryCommit = {
      xid,
      commit,
      end: lsn(this.#lsn),
      committedAt_us: BigInt(Math.trunc(this.clock.now())) * 1000n,
      changes,
      marks,
      reshapes,
    };
    this.#commits.push(committed);
    if (hidden) this.#hidden.set(xid, committed);
    else {
      applyTo(this.#visible, committed);
      this.#unlock(xid);
    }
    this.#wake();
    return committed;
  }

  /** Nothing behind `end` happened. */
  #goBack(end: Lsn): void {
    for (const transaction of [...this.#open.values()]) transaction.rollback();
    this.#hidden.clear();
    this.#locks.clear();
    this.#rebuild(this.#commits.filter((commit) => commit.end <= end));
    this.#lsn = end;
  }

  #rebuild(commits: MemoryCommit[]): void {
    this.#visible = new Map([...this.#created].map(([oid, relation]) => [oid, new MemoryTable(relation)]));
    this.#commits = commits;
    for (const commit of commits) applyTo(this.#visible, commit);
  }

  #assignXid(): number {
    const xid = this.#nextXid;
    this.#nextXid = (this.#nextXid + 1) >>> 0;
    return xid;
  }

  #unlock(xid: number): void {
    for (const [name, holder] of this.#locks) if (holder === xid) this.#locks.delete(name);
  }

  #table(oid: number): MemoryTable {
    const table = this.#visible.get(oid);
    if (!table) throw new Fault('MR-9001', { detail: `the memory leader has no table ${oid}` });
    return table;
  }

  #wake(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}

function applyTo(tables: Map<number, MemoryTable>, commit: MemoryCommit): void {
  for (const { relation, map } of commit.reshapes) tables.get(relation.id)?.reshape(relation, map);
  for (const change of commit.changes) tables.get(change.relation.id)?.apply(change);
}
