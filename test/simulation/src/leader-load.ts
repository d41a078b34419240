import type { MemoryCommit, MemoryLeader, MemoryTransaction } from '@millrace/capture';
import type { Relation, Row } from '@millrace/model';
import type { Chance } from './chance.js';
import { bank, itemColumn, items, ledger, visits } from './shop.js';
import type { Transcript } from './transcript.js';
import type { WorldClock } from './world-clock.js';

const itemIds = 8;
const pages = 3;
const large = 'large '.repeat(10);

export interface LoadOptions {
  readonly leader: MemoryLeader;
  readonly clock: WorldClock;
  readonly chance: Chance;
  readonly transcript: Transcript;
  readonly clients: number;
  readonly pause_ms: number;
}

/** Clients of the leader: small transactions that interleave, each with its line in the ledger. */
export class LeaderLoad {
  readonly #o: LoadOptions;
  #running = true;
  #sequence = 0;
  #columns = items.columns.length;
  /** Counts crashes of the leader: transactions that were open then are gone, and their clients begin anew. */
  #crashes = 0;

  constructor(options: LoadOptions) {
    this.#o = options;
  }

  start(): void {
    for (let client = 0; client < this.#o.clients; client++) void this.#client(`c${client}`);
  }

  stop(): void {
    this.#running = false;
  }

  leaderCrashed(): void {
    this.#crashes++;
  }

  /** Transactions one after the other, before anything else runs. */
  history(count: number): void {
    for (let i = 0; i < count; i++) {
      const transaction = this.#o.leader.begin();
      if (this.#work(transaction, 'history')) transaction.commit();
      else transaction.rollback();
    }
  }

  async #client(name: string): Promise<void> {
    const { chance, clock, leader, pause_ms } = this.#o;
    while (this.#running) {
      await clock.sleep(chance.next() * 2 * pause_ms);
      if (!this.#running) return;
      if (chance.happens(0.02)) this.#alter();
      else if (chance.happens(0.05)) leader.unpublishedWork(64n);
      else if (chance.happens(0.03)) this.#truncate(name);
      else await this.#transaction(name);
    }
  }

  /** At once, and never hidden: what this leader has for locks does not hold others back from a truncated table. */
  #truncate(client: string): void {
    const { chance, leader, transcript } = this.#o;
    const transaction = leader.begin();
    const wrote =
      transaction.insert(ledger.id, [client, String(this.#sequence++)]) &&
      transaction.truncate(chance.pick([items.id, visits.id])) &&
      (chance.happens(0.5) || this.#item(transaction));
    if (!wrote) {
      transaction.rollback();
      return;
    }
    const commit = transaction.commit();
    transcript.tell('leader', `truncate ${commit ? describeCommit(commit) : ''}`);
  }

  async #transaction(client: string): Promise<void> {
    const { chance, clock, leader, transcript } = this.#o;
    const transaction = leader.begin();
    const crashes = this.#crashes;
    for (let part = chance.between(1, 3); part > 0; part--) {
      if (!this.#work(transaction, client)) return transaction.rollback();
      // Other transactions begin and commit in between: one's commit starts where the other's ended.
      if (chance.happens(0.3)) await clock.sleep(chance.next() * this.#o.pause_ms);
      if (crashes !== this.#crashes) return;
    }
    if (chance.happens(0.05)) return transaction.rollback();
    const hidden = chance.happens(0.1);
    const commit = transaction.commit({ hidden });
    if (!commit) return;
    transcript.tell('leader', `${hidden ? 'hidden ' : ''}commit ${describeCommit(commit)}`);
    if (hidden) clock.after(chance.next() * 4 * this.#o.pause_ms, () => leader.reveal(commit.xid));
  }

  /** One step of a transaction; false when it must be given up. */
  #work(transaction: MemoryTransaction, client: string): boolean {
    const { chance } = this.#o;
    if (!transaction.insert(ledger.id, [client, String(this.#sequence++)])) return false;
    const kind = chance.next();
    if (kind < 0.3) return this.#transfer(transaction);
    if (kind < 0.75) return this.#item(transaction);
    return kind < 0.93 ? this.#visit(transaction) : this.#manyVisits(transaction);
  }

  #transfer(transaction: MemoryTransaction): boolean {
    const { chance, leader } = this.#o;
    const rows = leader.rows(bank.id);
    if (rows.length < 2) return false;
    const from = chance.pick(rows);
    const to = chance.pick(rows.filter((row) => row[0] !== from[0]));
    if (transaction.wrote(bank.id)) return true;
    const amount = chance.between(1, 5);
    return (
      transaction.update(bank.id, from, [from[0], String(Number(from[1]) - amount)]) &&
      transaction.update(bank.id, to, [to[0], String(Number(to[1]) + amount)])
    );
  }

  #item(transaction: MemoryTransaction): boolean {
    const { chance, leader } = this.#o;
    const id = `i${chance.upTo(itemIds)}`;
    const found = leader.rows(items.id).find((row) => row[0] === id);
    const relation = leader.relation(items.id);
    if (!found) return transaction.insert(items.id, this.#newItem(id, relation)) || true;
    const kind = chance.next();
    if (kind < 0.2) return transaction.delete(items.id, found);
    const name = `n${chance.upTo(1000)}`;
    const changed = found.map((cell, i) => (relation.columns[i]?.attnum === 2 ? name : cell));
    if (kind < 0.4) {
      const other = `i${chance.upTo(itemIds)}`;
      // Taken keys refuse: the transaction goes on without the change.
      transaction.update(items.id, found, [other, ...changed.slice(1)]);
      return true;
    }
    const note = chance.happens(0.3) ? `${large}${chance.upTo(1000)}` : undefined;
    const noted = changed.map((cell, i) => (note && relation.columns[i]?.attnum === 3 ? note : cell));
    return transaction.update(items.id, found, noted);
  }

  #newItem(id: string, relation: Relation): Row {
    const { chance } = this.#o;
    return relation.columns.map(({ attnum }) => {
      if (attnum === 1) return id;
      if (attnum === 3) return chance.happens(0.8) ? `${large}${chance.upTo(1000)}` : null;
      return chance.happens(0.2) ? null : `v${chance.upTo(1000)}`;
    });
  }

  #visit(transaction: MemoryTransaction): boolean {
    const { chance, leader } = this.#o;
    const rows = leader.rows(visits.id);
    const row = [`p${chance.upTo(pages)}`, chance.happens(0.3) ? null : `r${chance.upTo(2)}`];
    if (rows.length === 0 || chance.happens(0.5) || transaction.wrote(visits.id))
      return transaction.insert(visits.id, row) || true;
    // Keyless rows have no locks on this leader: one open writer at a time, so that copies are never taken twice.
    if (leader.isLocked(transaction.xid ?? 0, visits.id)) return true;
    if (chance.happens(0.5)) return transaction.delete(visits.id, chance.pick(rows));
    return transaction.update(visits.id, chance.pick(rows), row);
  }

  #manyVisits(transaction: MemoryTransaction): boolean {
    const rows = Array.from({ length: 20 }, (_, i) => [`p${i % pages}`, `m${i}`]);
    for (const row of rows) transaction.insert(visits.id, row);
    return true;
  }

  /** A column comes, goes or takes another name, while nobody has written the table. */
  #alter(): void {
    const { chance, leader, transcript } = this.#o;
    if (leader.isLocked(0, items.id)) return;
    const relation = leader.relation(items.id);
    const next = alteration(relation, ++this.#columns, chance);
    const source = next.columns.map((column) => ({
      index: relation.columns.findIndex(({ attnum }) => attnum === column.attnum),
      missing: column.missing,
    }));
    leader.alter(next, (row) =>
      source.map(({ index, missing }) => (index < 0 ? missing : (row[index] ?? null))),
    );
    transcript.tell('leader', `altered items: ${next.columns.map(({ name }) => name).join(', ')}`);
  }
}

function describeCommit({ xid, commit, end, changes }: MemoryCommit): string {
  const brief = changes.map(({ op, relation, before, after }) => {
    const key = (row: Row | undefined): string => row?.slice(0, 2).join() ?? '';
    return `${op} ${relation.name} ${key(before)}→${key(after)}`;
  });
  return `${xid} at ${commit}…${end}: ${brief.join(' · ')}`;
}

function alteration(relation: Relation, attnum: number, chance: Chance): Relation {
  const { columns } = relation;
  const last = columns[columns.length - 1] as (typeof columns)[number];
  const kind = chance.next();
  if (columns.length <= 3 || kind < 0.4)
    return { ...relation, columns: [...columns, itemColumn(attnum, `x${attnum}`, chance.pick([null, '7']))] };
  if (kind < 0.7) return { ...relation, columns: columns.slice(0, -1) };
  return { ...relation, columns: [...columns.slice(0, -1), { ...last, name: `${last.name}y` }] };
}
