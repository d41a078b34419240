import {
  type FollowerTransaction,
  isOneKey,
  type MirroredTable,
  type NewRowsSink,
  refuseUnorderedRange,
  type TableBatch,
} from '@millrace/follower';
import type { Row, SchemaChange } from '@millrace/model';
import { type PgSession, quoteLiteral, quoteQualified, serverFault, sqlStateOf } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { columnLiteral } from './rows/array-literal.js';
import { Lane } from './rows/lane.js';
import type { TableStatements } from './rows/statements.js';
import { RowWriter } from './rows/writer.js';
import type { MetaTables } from './store/meta.js';
import { run } from './store/sessions.js';
import { refuseSpanningConstraints } from './store/spanning.js';
import type { MirroredTables } from './store/tables.js';
import type { EvolutionPolicy } from './table/evolution.js';

/** What a transaction needs of its follower. */
export interface TransactionScope {
  readonly session: PgSession;
  readonly meta: MetaTables;
  readonly tables: MirroredTables;
  readonly policy: EvolutionPolicy;
  /** Other handles write other partitions of the same tables (R27). */
  readonly isShared: boolean;
  /** R30, for the whole transaction. */
  readonly building: boolean;
  /** Called once: with the tables as they are now, or undefined when the transaction came to nothing. */
  readonly ended: (tables: MirroredTables | undefined) => void;
  /** Gives up the connection, which is in an unknown state. */
  readonly discard: () => Promise<void>;
}

export class PostgresTransaction implements FollowerTransaction {
  readonly #scope: TransactionScope;
  readonly #lane = new Lane();
  #open = true;

  constructor(scope: TransactionScope) {
    this.#scope = scope;
  }

  async evolve(table: MirroredTable, changes: readonly SchemaChange[]): Promise<void> {
    const { session, meta, tables, policy, isShared } = await this.#settled();
    await tables.evolve(session, meta, policy, table, changes);
    if (isShared) await refuseSpanningConstraints(session, [tables.entry(table)]);
  }

  async forget(table: MirroredTable, options: { readonly drop: boolean }): Promise<void> {
    const { session, meta, tables, policy } = await this.#settled();
    await tables.forget(session, meta, policy, table, options.drop);
  }

  async write(batch: TableBatch): Promise<void> {
    const { session, tables, building } = this.#running();
    const known = tables.known(batch.table);
    if (!known) await this.#lane.settle();
    const statements = known ?? (await tables.statements(session, batch.table));
    const lenient = building || batch.table.state === 'building';
    await new RowWriter(session, this.#lane, statements, lenient).write(batch);
  }

  newRows(table: MirroredTable): NewRowsSink | undefined {
    const { tables, building } = this.#running();
    return building || table.state !== 'exact' ? undefined : tables.known(table)?.newRows();
  }

  async truncate(tables: readonly MirroredTable[]): Promise<void> {
    if (tables.length === 0) return;
    const scope = await this.#settled();
    const names = tables.map((table) => {
      const { place } = scope.tables.entry(table);
      return quoteQualified(place.schema, place.name);
    });
    await run(scope.session, 'truncating', { text: `TRUNCATE ${names.join(', ')}` });
  }

  async deleteRange(
    table: MirroredTable,
    range: { readonly after: Row | null; readonly upTo: Row | null },
    keep: readonly Row[],
  ): Promise<void> {
    const { session, tables } = await this.#settled();
    const statements = await tables.statements(session, table);
    const { relation } = statements;
    const doing = `deleting a range of ${relation.schema}.${relation.name}`;
    if (relation.key.length === 0) {
      await run(session, doing, {
        text: `DELETE FROM ${quoteQualified(statements.place.schema, statements.place.name)}`,
      });
      return;
    }
    const { after, upTo } = range;
    const oneKey = isOneKey(after, upTo);
    if (!oneKey && (after || upTo))
      refuseUnorderedRange(relation, (column) => statements.isHeldNatively(column));
    const ends = oneKey
      ? [bound(statements, '=', after)]
      : [bound(statements, '>', after), bound(statements, '<=', upTo)];
    const bounds = ends.filter((one) => one !== '');
    const kept = relation.key.map((column, at) => columnLiteral(keep, at, statements.form(column)));
    await run(session, doing, statements.deleteRange(bounds), kept);
  }

  async commit(): Promise<void> {
    const { session, tables, ended, discard } = await this.#settled();
    this.#open = false;
    let tag: string;
    try {
      tag = (await session.client.query('COMMIT')).command;
    } catch (error) {
      ended(undefined);
      await discard();
      throw commitFault(error);
    }
    // The server answers COMMIT of a failed transaction with ROLLBACK, and without an error.
    ended(tag === 'COMMIT' ? tables : undefined);
    if (tag !== 'COMMIT') throw new Fault('MR-9001', { detail: `COMMIT was answered with ${tag}` });
  }

  async abort(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const { session, ended, discard } = this.#scope;
    ended(undefined);
    try {
      // A statement under way ends first; how, no longer matters.
      await this.#lane.settle().catch(() => undefined);
      await session.query('rolling back', 'ROLLBACK');
    } catch {
      // Whatever the connection is in, closing it rolls back.
      await discard();
    }
  }

  async #settled(): Promise<TransactionScope> {
    const scope = this.#running();
    await this.#lane.settle();
    return scope;
  }

  #running(): TransactionScope {
    if (!this.#open) throw new Fault('MR-9001', { detail: 'the follower transaction has ended' });
    return this.#scope;
  }
}

/** SQLSTATE classes with which the server says that it did not commit; everything else leaves the outcome open. */
const refusedCommit = ['23', '40', '53', '25', 'P0', '54'];

function commitFault(error: unknown): Fault {
  const state = sqlStateOf(error);
  if (state !== undefined && refusedCommit.some((prefix) => state.startsWith(prefix))) {
    return serverFault('follower', error, 'committing');
  }
  return new Fault('MR-4011', { detail: 'The connection broke during the commit.', cause: error });
}

function bound(statements: TableStatements, operator: '>' | '<=' | '=', key: Row | null): string {
  if (!key) return '';
  const cells = statements.keyTuple('t');
  const constants = key.map((cell, at) => {
    if (typeof cell !== 'string')
      throw new Fault('MR-9001', { detail: 'a key range ends at a cell without a value' });
    return statements.keyConstant(at, quoteLiteral(cell));
  });
  return `(${cells.join(', ')}) ${operator} (${constants.join(', ')})`;
}
