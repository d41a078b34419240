import {
  type FollowerTransaction,
  fenceVerdict,
  type MirroredTable,
  type Ownership,
  type PositionRow,
  type StoredPosition,
} from '@millrace/follower';
import type { PgSession } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import type { TableEntry } from './store/entries.js';
import type { MetaTables } from './store/meta.js';
import type { Sessions } from './store/sessions.js';
import { refuseSpanningConstraints } from './store/spanning.js';
import { MirroredTables } from './store/tables.js';
import type { EvolutionPolicy } from './table/evolution.js';
import { PostgresTransaction } from './transaction.js';

export interface PositionHandleOptions {
  /** How messages name it: the follower, or one of its partitions. */
  readonly name: string;
  readonly sessions: Sessions;
  /** Bound to the row of the whole follower, or of one partition. */
  readonly meta: MetaTables;
  readonly policy: EvolutionPolicy;
  /** Other handles write other partitions of the same tables at the same time (R27). */
  readonly isShared: boolean;
}

/** One position row and the transactions that move it: of a whole follower, or of a partition. */
export class PositionHandle {
  readonly #o: PositionHandleOptions;
  #ownership: Ownership | undefined;
  #installed = false;
  /** What the last transaction left, so that the next one need not read it again; undefined when not known. */
  #tables: MirroredTables | undefined;
  #open: PostgresTransaction | undefined;

  constructor(options: PositionHandleOptions) {
    this.#o = options;
  }

  async storeId(): Promise<Uint8Array | undefined> {
    const reader = await this.#o.sessions.reader();
    return (await this.isInstalled(reader)) ? await this.#o.meta.storeId(reader) : undefined;
  }

  async takeOver(owner: Uint8Array): Promise<StoredPosition | undefined> {
    const { meta, isShared } = this.#o;
    const session = await this.idleWriter();
    if (!(await this.isInstalled(session))) return undefined;
    const row = await meta.positions.takeOver(session, owner);
    this.#tables = undefined;
    this.#ownership = row && { owner: row.owner, generation: row.generation };
    if (row && isShared) await refuseSpanningConstraints(session, await meta.tables.read(session));
    return row;
  }

  async position(): Promise<PositionRow | undefined> {
    const reader = await this.#o.sessions.reader();
    return (await this.isInstalled(reader)) ? await this.#o.meta.positions.row(reader) : undefined;
  }

  /** Looks anew when other handles may have changed them. */
  async tables(): Promise<readonly MirroredTable[]> {
    const reader = await this.#o.sessions.reader();
    if (this.#o.isShared) this.#tables = undefined;
    if (!(await this.isInstalled(reader))) return [];
    return (await this.#o.meta.tables.read(reader)).map((entry) => entry.mirrored);
  }

  async begin(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction> {
    const { meta, name } = this.#o;
    const session = await this.idleWriter();
    const owned = this.#ownership;
    if (!owned) throw fenceVerdict(name, await this.#row(session), owned, from);
    const moved = await meta.positions.beginFrom(session, owned, from, to);
    if (!moved) throw await this.#refusal(session, owned, from);
    return await this.#transaction(session, from, to);
  }

  /** R26: all rows of the follower or none. Looks before it locks, so that waiting for the others costs them nothing. */
  async beginAll(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction | undefined> {
    const { meta, name } = this.#o;
    const session = await this.idleWriter();
    const owned = this.#ownership;
    const refusal = fenceVerdict(name, await this.#row(session), owned, from);
    if (refusal || !owned) throw refusal;
    const isMoved = await meta.positions.beginAllFrom(session, owned, from, to);
    return isMoved ? await this.#transaction(session, from, to) : undefined;
  }

  async close(): Promise<void> {
    this.#ownership = undefined;
    await this.#open?.abort();
    await this.#o.sessions.close();
  }

  /** The writing session outside any transaction: one left open by a caller that failed is rolled back. */
  async idleWriter(): Promise<PgSession> {
    await this.#open?.abort();
    return await this.#o.sessions.writer();
  }

  async isInstalled(session: PgSession): Promise<boolean> {
    this.#installed ||= await this.#o.meta.installed(session);
    return this.#installed;
  }

  async #transaction(
    session: PgSession,
    from: StoredPosition,
    to: StoredPosition,
  ): Promise<FollowerTransaction> {
    const { meta, policy, sessions, isShared } = this.#o;
    const tables = this.#tables?.copy() ?? new MirroredTables(byTopic(await meta.tables.read(session)));
    const transaction: PostgresTransaction = new PostgresTransaction({
      session,
      meta,
      tables,
      policy,
      isShared,
      building: from.state !== 'exact' || to.state !== 'exact',
      ended: (left) => {
        this.#tables = left;
        if (this.#open === transaction) this.#open = undefined;
      },
      discard: () => sessions.discardWriter(),
    });
    this.#open = transaction;
    return transaction;
  }

  async #row(session: PgSession): Promise<PositionRow | undefined> {
    return (await this.isInstalled(session)) ? await this.#o.meta.positions.row(session) : undefined;
  }

  /** Why the fencing UPDATE matched no row. */
  async #refusal(session: PgSession, owned: Ownership, from: StoredPosition): Promise<Fault> {
    const { name, meta } = this.#o;
    await session.query('rolling back', 'ROLLBACK');
    const verdict = fenceVerdict(name, await meta.positions.row(session), owned, from);
    // The row was as expected a moment later: only a takeover and a restore in between can do that.
    return verdict ?? new Fault('MR-4003', { detail: `Follower ${name} changed hands meanwhile.` });
  }
}

const byTopic = (entries: readonly TableEntry[]): [string, TableEntry][] =>
  entries.map((entry) => [entry.mirrored.topic, entry]);
