import type { MirroredTable } from '@millrace/follower';
import { relationName, type SchemaChange } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { Engine } from '../engine/engine.js';
import { Evolution } from '../table/evolution.js';
import { TableLayout } from '../table/layout.js';
import { fold, placeId, placeOf, standInName, type TableName } from '../table/names.js';
import type { MetaTables, TableEntry } from './meta.js';

export interface TablePolicy {
  readonly schemas: Readonly<Record<string, string>>;
  readonly metaSchema: string;
}

/** The mirrored tables as one transaction sees them. Thrown away when it aborts. */
export class MirroredTables {
  readonly #engine: Engine;
  readonly #meta: MetaTables;
  readonly #policy: TablePolicy;
  readonly #layouts: Map<string, TableLayout>;
  /** Topics of tables from which this transaction deleted rows. */
  readonly #touched = new Set<string>();

  constructor(
    engine: Engine,
    meta: MetaTables,
    policy: TablePolicy,
    layouts: Iterable<readonly [string, TableLayout]>,
  ) {
    this.#engine = engine;
    this.#meta = meta;
    this.#policy = policy;
    this.#layouts = new Map(layouts);
  }

  static of(
    engine: Engine,
    meta: MetaTables,
    policy: TablePolicy,
    entries: readonly TableEntry[],
  ): MirroredTables {
    const layouts = entries.map(
      ({ mirrored, place }) => [mirrored.topic, new TableLayout(engine.catalog, mirrored, place)] as const,
    );
    return new MirroredTables(engine, meta, policy, layouts);
  }

  /** For the next transaction. */
  copy(): MirroredTables {
    return new MirroredTables(this.#engine, this.#meta, this.#policy, this.#layouts);
  }

  layout(table: MirroredTable): TableLayout {
    const layout = this.#layouts.get(table.topic);
    if (!layout) throw notMirrored(table);
    if (layout.mirrored.version !== table.version) {
      throw new Fault('MR-9001', {
        detail: `${relationName(table.relation)} is mirrored at version ${layout.mirrored.version}, written at ${table.version}`,
      });
    }
    return layout;
  }

  /** To be called before rows are deleted. */
  touch(table: MirroredTable): TableLayout {
    this.#touched.add(table.topic);
    return this.layout(table);
  }

  async evolve(next: MirroredTable, changes: readonly SchemaChange[]): Promise<void> {
    const was = this.#evolvedFrom(next, changes);
    const creates = changes.some((change) => change.kind === 'create-table');
    if (!was && !creates) throw notMirrored(next);
    const renames = creates || changes.some((change) => change.kind === 'rename-table');
    const place = renames || !was ? await this.#freePlace(next, was) : was.place;
    const layout = new TableLayout(this.#engine.catalog, next, place);
    const evolution = new Evolution(this.#engine);
    if (creates || !was) {
      if (was) await evolution.drop(was);
      await evolution.create(layout);
    } else if (changes.length > 0) {
      await evolution.alter(was, layout, this.#touched.has(was.mirrored.topic));
    }
    if (was && was.mirrored.topic !== next.topic) await this.#remove(was.mirrored.topic);
    await this.#meta.save({ mirrored: next, place });
    this.#layouts.set(next.topic, layout);
  }

  async forget(table: MirroredTable, drop: boolean): Promise<void> {
    const layout = this.#layouts.get(table.topic);
    if (!layout) return;
    if (drop) await new Evolution(this.#engine).drop(layout);
    await this.#remove(table.topic);
  }

  /** The table that `changes` start from: by topic, or by the leader's oid when it was renamed. */
  #evolvedFrom(next: MirroredTable, changes: readonly SchemaChange[]): TableLayout | undefined {
    const sameTopic = this.#layouts.get(next.topic);
    if (sameTopic?.relation.id === next.relation.id) return sameTopic;
    if (!changes.some((change) => change.kind === 'rename-table')) return sameTopic;
    return [...this.#layouts.values()].find(({ relation }) => relation.id === next.relation.id);
  }

  /**
   * A place for `next` that is nobody else's. A table of ours with exactly this leader's name is about to be renamed itself and
   * waits under a stand-in name; one whose name differs in case only keeps its place. A stranger's table is MR-4008.
   */
  async #freePlace(next: MirroredTable, was: TableLayout | undefined): Promise<TableName> {
    const { schema, name } = next.relation;
    const others = [...this.#layouts.values()].filter(
      (layout) => layout.mirrored.topic !== was?.mirrored.topic && layout.mirrored.topic !== next.topic,
    );
    const namesake = others.find(({ relation }) => relation.schema === schema && relation.name === name);
    if (namesake) await this.#setAside(namesake);
    const taken = new Set(others.filter((one) => one !== namesake).map((one) => placeId(one.place)));
    const place = placeOf(next.relation, this.#policy.schemas, (one) => taken.has(placeId(one)));
    if (fold(place.schema) === fold(this.#policy.metaSchema)) {
      throw new Fault('MR-4008', {
        detail: `Table ${relationName(next.relation)} would stand among Millrace's own tables.`,
        remedy: 'Map the leader’s schema to another name, or choose another `meta_schema` for this follower.',
      });
    }
    const mine = was && placeId(was.place) === placeId(place);
    if (!mine && (await new Evolution(this.#engine).exists(place))) {
      throw new Fault('MR-4008', {
        detail: `${place.schema}.${place.name} exists in the follower's file and was not made by Millrace.`,
        remedy: 'Rename or drop it, or map the leader’s schema to another name.',
      });
    }
    return place;
  }

  async #setAside(other: TableLayout): Promise<void> {
    const place = { schema: other.place.schema, name: standInName(`aside ${other.mirrored.topic}`) };
    const aside = new TableLayout(this.#engine.catalog, other.mirrored, place);
    await new Evolution(this.#engine).alter(other, aside, this.#touched.has(other.mirrored.topic));
    await this.#meta.save({ mirrored: other.mirrored, place });
    this.#layouts.set(other.mirrored.topic, aside);
  }

  async #remove(topic: string): Promise<void> {
    await this.#meta.remove(topic);
    this.#layouts.delete(topic);
  }
}

function notMirrored(table: MirroredTable): Fault {
  return new Fault('MR-4006', {
    detail: `Table ${relationName(table.relation)} (topic ${table.topic}) is not mirrored here.`,
  });
}
