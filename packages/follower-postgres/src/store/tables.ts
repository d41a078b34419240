import type { MirroredTable } from '@millrace/follower';
import { relationName, type SchemaChange } from '@millrace/model';
import type { PgSession } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { TableStatements } from '../rows/statements.js';
import { Evolution, type EvolutionPolicy } from '../table/evolution.js';
import { describePlace, samePlace, standInName } from '../table/names.js';
import { readShape } from '../table/shape.js';
import type { TableEntry } from './entries.js';
import type { MetaTables } from './meta.js';

/** The mirrored tables as one transaction sees them, with their prepared statements. Thrown away when it aborts. */
export class MirroredTables {
  readonly #entries: Map<string, TableEntry>;
  readonly #statements: Map<string, TableStatements>;

  constructor(
    entries: Iterable<readonly [string, TableEntry]>,
    statements: Iterable<readonly [string, TableStatements]> = [],
  ) {
    this.#entries = new Map(entries);
    this.#statements = new Map(statements);
  }

  copy(): MirroredTables {
    return new MirroredTables(this.#entries, this.#statements);
  }

  entry(table: MirroredTable): TableEntry {
    const entry = this.#entries.get(table.topic);
    if (!entry) {
      throw new Fault('MR-4006', {
        detail: `Table ${relationName(table.relation)} (topic ${table.topic}) is not mirrored here.`,
      });
    }
    if (entry.mirrored.version !== table.version) {
      throw new Fault('MR-9001', {
        detail: `${relationName(table.relation)} is mirrored at version ${entry.mirrored.version}, written at ${table.version}`,
      });
    }
    return entry;
  }

  /** Statements that need no look at the catalogue. */
  known(table: MirroredTable): TableStatements | undefined {
    this.entry(table);
    return this.#statements.get(table.topic);
  }

  async statements(session: PgSession, table: MirroredTable): Promise<TableStatements> {
    const { mirrored, place } = this.entry(table);
    const present = this.#statements.get(table.topic);
    if (present) return present;
    const shape = await readShape(session, place);
    if (!shape) {
      throw new Fault('MR-4006', {
        detail: `Table ${describePlace(place)} is gone: it was dropped by hand.`,
      });
    }
    const made = new TableStatements(mirrored.relation, place, shape);
    this.#statements.set(table.topic, made);
    return made;
  }

  async evolve(
    session: PgSession,
    meta: MetaTables,
    policy: EvolutionPolicy,
    next: MirroredTable,
    changes: readonly SchemaChange[],
  ): Promise<void> {
    const evolution = new Evolution(session, policy);
    const was = this.#evolvedFrom(next, changes);
    const creates = changes.some((change) => change.kind === 'create-table');
    if (!was && !creates) throw this.#unknown(next);
    const renames = creates || changes.some((change) => change.kind === 'rename-table');
    const place = renames || !was ? evolution.place(next.relation) : was.place;
    if (!was || !samePlace(was.place, place))
      await this.#setAside(session, meta, evolution, place, next.topic);
    if (creates || !was) await evolution.create(next, place, was);
    else {
      if (!samePlace(was.place, place)) await evolution.rename(was.place, place);
      if (changes.length > 0) await evolution.alter(place, next.relation, changes);
    }
    if (was && was.mirrored.topic !== next.topic) await this.#remove(session, meta, was.mirrored.topic);
    const entry = { mirrored: next, place };
    await meta.tables.save(session, entry);
    this.#entries.set(next.topic, entry);
    this.#statements.delete(next.topic);
  }

  async forget(
    session: PgSession,
    meta: MetaTables,
    policy: EvolutionPolicy,
    table: MirroredTable,
    drop: boolean,
  ): Promise<void> {
    const entry = this.#entries.get(table.topic);
    if (!entry) return;
    if (drop) await new Evolution(session, policy).drop(entry.place);
    await this.#remove(session, meta, table.topic);
  }

  /** The entry that `changes` start from: by topic, or by the leader's oid when the table was renamed. */
  #evolvedFrom(next: MirroredTable, changes: readonly SchemaChange[]): TableEntry | undefined {
    const sameTopic = this.#entries.get(next.topic);
    if (sameTopic?.mirrored.relation.id === next.relation.id) return sameTopic;
    if (!changes.some((change) => change.kind === 'rename-table')) return sameTopic;
    return [...this.#entries.values()].find(({ mirrored }) => mirrored.relation.id === next.relation.id);
  }

  /** Another table of ours at `place` is about to be renamed itself (a swap of names): it waits under a stand-in name. */
  async #setAside(
    session: PgSession,
    meta: MetaTables,
    evolution: Evolution,
    place: TableEntry['place'],
    topic: string,
  ): Promise<void> {
    const other = [...this.#entries.values()].find(
      (entry) => entry.mirrored.topic !== topic && samePlace(entry.place, place),
    );
    if (!other) return;
    const aside = { schema: place.schema, name: standInName(other.mirrored.topic) };
    await evolution.rename(place, aside);
    const moved = { ...other, place: aside };
    await meta.tables.save(session, moved);
    this.#entries.set(other.mirrored.topic, moved);
    this.#statements.delete(other.mirrored.topic);
  }

  async #remove(session: PgSession, meta: MetaTables, topic: string): Promise<void> {
    await meta.tables.remove(session, topic);
    this.#entries.delete(topic);
    this.#statements.delete(topic);
  }

  #unknown(table: MirroredTable): Fault {
    return new Fault('MR-4006', {
      detail: `Table ${relationName(table.relation)} (topic ${table.topic}) is not mirrored here and cannot be altered.`,
    });
  }
}
