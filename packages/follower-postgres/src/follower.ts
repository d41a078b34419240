import { randomBytes } from 'node:crypto';
import {
  type Follower,
  type FollowerCapabilities,
  type FollowerTransaction,
  fenceVerdict,
  type MirroredTable,
  type Ownership,
  type StoredPosition,
  type WorkerTable,
} from '@millrace/follower';
import type { Relation, Row } from '@millrace/model';
import type { PgSession } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { defaultMetaSchema, type PostgresFollowerOptions } from './options.js';
import { TableStatements } from './rows/statements.js';
import { MetaTables } from './store/meta.js';
import { run, Sessions } from './store/sessions.js';
import { MirroredTables } from './store/tables.js';
import { PostgresWorkers } from './store/workers.js';
import type { EvolutionPolicy } from './table/evolution.js';
import { readShape } from './table/shape.js';
import { PostgresTransaction } from './transaction.js';

const rowsPerFetch = 2_000;

/** A PostgreSQL database (14 or later) as a follower. Connects when first used. */
export function createPostgresFollower(options: PostgresFollowerOptions): Follower {
  return new PostgresFollower(options);
}

class PostgresFollower implements Follower {
  readonly capabilities: FollowerCapabilities = {
    kind: 'postgres',
    transactional: true,
    transactionalSchema: true,
    singleOwner: false,
  };
  readonly workers: WorkerTable;
  readonly #options: PostgresFollowerOptions;
  readonly #sessions: Sessions;
  readonly #meta: MetaTables;
  readonly #policy: EvolutionPolicy;
  #ownership: Ownership | undefined;
  #installed = false;
  /** What the last transaction left, so that the next one need not read it again; undefined when not known. */
  #tables: MirroredTables | undefined;
  #open: PostgresTransaction | undefined;

  constructor(options: PostgresFollowerOptions) {
    this.#options = options;
    const { name: follower, logger, metaSchema = defaultMetaSchema } = options;
    const id = randomBytes(8).toString('hex');
    this.#sessions = new Sessions(options, id);
    this.workers = new PostgresWorkers({
      schema: metaSchema,
      follower,
      id,
      sessions: this.#sessions,
      logger,
    });
    this.#meta = new MetaTables(metaSchema, options.name);
    this.#policy = {
      schemas: options.schemas ?? {},
      existingTables: options.existingTables ?? 'refuse',
      metaSchema,
    };
  }

  async storeId(): Promise<Uint8Array | undefined> {
    const reader = await this.#sessions.reader();
    return (await this.#isInstalled(reader)) ? await this.#meta.storeId(reader) : undefined;
  }

  async register(initial: StoredPosition, options: { readonly reset: boolean }): Promise<void> {
    const session = await this.#idleWriter();
    await this.#meta.install(session);
    await this.#meta.register(session, initial, options.reset);
    this.#installed = true;
  }

  async takeOver(owner: Uint8Array): Promise<StoredPosition | undefined> {
    const session = await this.#idleWriter();
    if (!(await this.#isInstalled(session))) return undefined;
    const row = await this.#meta.takeOver(session, owner);
    this.#tables = undefined;
    this.#ownership = row && { owner: row.owner, generation: row.generation };
    return row;
  }

  async position(): Promise<(StoredPosition & { readonly owner: Uint8Array }) | undefined> {
    const reader = await this.#sessions.reader();
    return (await this.#isInstalled(reader)) ? await this.#meta.row(reader) : undefined;
  }

  async tables(): Promise<readonly MirroredTable[]> {
    const reader = await this.#sessions.reader();
    if (!(await this.#isInstalled(reader))) return [];
    return (await this.#meta.entries(reader)).map((entry) => entry.mirrored);
  }

  async begin(from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction> {
    const session = await this.#idleWriter();
    const owned = this.#ownership;
    if (!owned) throw fenceVerdict(this.#options.name, await this.#row(session), owned, from);
    const moved = await this.#meta.beginFrom(session, owned, from, to);
    if (!moved) throw await this.#refusal(session, owned, from);
    const tables = this.#tables?.copy() ?? new MirroredTables(byTopic(await this.#meta.entries(session)));
    const transaction: PostgresTransaction = new PostgresTransaction({
      session,
      meta: this.#meta,
      tables,
      policy: this.#policy,
      building: from.state !== 'exact' || to.state !== 'exact',
      ended: (left) => {
        this.#tables = left;
        if (this.#open === transaction) this.#open = undefined;
      },
      discard: () => this.#sessions.discardWriter(),
    });
    this.#open = transaction;
    return transaction;
  }

  async *scan(table: Relation): AsyncIterable<readonly Row[]> {
    const reader = await this.#sessions.reader();
    const entry = (await this.#isInstalled(reader))
      ? (await this.#meta.entries(reader)).find(
          ({ mirrored }) =>
            mirrored.relation.schema === table.schema && mirrored.relation.name === table.name,
        )
      : undefined;
    const shape = entry && (await readShape(reader, entry.place));
    if (!entry || !shape) return;
    const { everyRow } = new TableStatements(entry.mirrored.relation, entry.place, shape);
    const session = await this.#sessions.fresh();
    try {
      await session.query(
        'scanning',
        `BEGIN READ ONLY; DECLARE millrace_scan NO SCROLL CURSOR FOR ${everyRow}`,
      );
      for (;;) {
        const { rows } = await run(session, 'scanning', { text: `FETCH ${rowsPerFetch} FROM millrace_scan` });
        if (rows.length > 0) yield rows;
        if (rows.length < rowsPerFetch) return;
      }
    } finally {
      await session.close();
    }
  }

  async close(): Promise<void> {
    this.#ownership = undefined;
    await this.#open?.abort();
    await this.workers.leave().catch(() => undefined);
    await this.#sessions.close();
  }

  /** The writing session outside any transaction: one left open by a caller that failed is rolled back. */
  async #idleWriter(): Promise<PgSession> {
    await this.#open?.abort();
    return await this.#sessions.writer();
  }

  async #isInstalled(session: PgSession): Promise<boolean> {
    this.#installed ||= await this.#meta.installed(session);
    return this.#installed;
  }

  async #row(session: PgSession): ReturnType<MetaTables['row']> {
    return (await this.#isInstalled(session)) ? await this.#meta.row(session) : undefined;
  }

  /** Why the fencing UPDATE matched no row. */
  async #refusal(session: PgSession, owned: Ownership, from: StoredPosition): Promise<Fault> {
    await session.query('rolling back', 'ROLLBACK');
    const verdict = fenceVerdict(this.#options.name, await this.#meta.row(session), owned, from);
    // The row was as expected a moment later: only a takeover and a restore in between can do that.
    return (
      verdict ?? new Fault('MR-4003', { detail: `Follower ${this.#options.name} changed hands meanwhile.` })
    );
  }
}

const byTopic = (entries: Awaited<ReturnType<MetaTables['entries']>>): [string, (typeof entries)[number]][] =>
  entries.map((entry) => [entry.mirrored.topic, entry]);
