import type { SchemaCertainty } from '@millrace/capture';
import type { Column, Relation } from '@millrace/model';
import { isOrdinaryColumn, type RelationJson, relationOf, type TableDescription } from '@millrace/postgres';
import type { RelationMessage } from '../pgoutput/messages.js';
import type { Announcement } from './announcement.js';
import { matchDescription, matchesRelation, sameShape } from './relation-match.js';
import { describeRewrite, type EarlierShape, suspectRewrite, writtenLater } from './rewrite.js';

/** The catalogue as it is now, read while the stream waits. */
export interface CatalogueView {
  readonly description: TableDescription | undefined;
  /** The publication names a list of columns for the table. */
  readonly columnList: boolean;
  /** A partition that is published as its root. */
  readonly isPart: boolean;
  /** Low half of the leader's next transaction id. */
  readonly nextXid: number;
}

/** A shape to hand to the sink; undefined certainty: the sink has it already. */
export interface SettledShape {
  readonly relation: Relation;
  readonly certainty: SchemaCertainty | undefined;
}

const certain: SchemaCertainty = { certain: true };

/**
 * Which columns are which (R37, R38), per replication session. A Relation message says names and types only; identity
 * comes, in this order, from
 *
 * 1. an announcement of the event trigger, which stands in the stream where the change happened;
 * 2. the shape in force, when announcements would have told of any change;
 * 3. the catalogue, when it matches the message exactly and was not written after the stream's place, or proves
 *    that nothing changed (attribute numbers are never used twice).
 *
 * What none of them tells is handed over as uncertain.
 */
export class ShapeBook {
  readonly #announced = new Map<number, RelationJson>();
  readonly #rewritten = new Map<number, string>();
  readonly #inForce = new Map<number, EarlierShape>();
  /** Tables whose shape the sink was told in this session. */
  readonly #told = new Set<number>();
  #announcing: boolean;

  /** `known`: the shapes in force at the position where the session resumes. */
  constructor(known: readonly Relation[], announcing: boolean) {
    for (const relation of known) this.#inForce.set(relation.id, { relation, filenode: undefined });
    this.#announcing = announcing;
  }

  announce(announcement: Announcement): void {
    switch (announcement.kind) {
      case 'shape':
        this.#announced.set(announcement.json.id, announcement.json);
        break;
      case 'rewrite': {
        const words = describeRewrite(announcement.reason);
        if (words !== undefined) this.#rewritten.set(announcement.table, words);
        break;
      }
      case 'unknown':
        // Something changed that we were not told: from here on only the catalogue can say what.
        this.#announced.clear();
        this.#announcing = false;
    }
  }

  /**
   * The shape that was just announced for a table in force, before any event shows it: a change that no event follows takes
   * effect at its place too. Undefined when there is no news, or when a column list hides what is published.
   */
  announcedNews(id: number, columnList: boolean): SettledShape | undefined {
    const json = this.#announced.get(id);
    const present = this.#inForce.get(id);
    if (!json || !present || columnList) return undefined;
    const published = new Set(present.relation.columns.map((column) => column.attnum));
    const relation = relationOf(json, (column) => isOrdinaryColumn(column) || published.has(column.attnum));
    const settled = this.#accept(relation, json, this.#rewriteOf(id));
    return settled.certainty === undefined ? undefined : settled;
  }

  /** Rows of a table changed without events, as a capture found. Undefined for one that the sink does not know: nothing is held of it. */
  doubted(id: number, reason: string): SettledShape | undefined {
    const present = this.#inForce.get(id);
    return present && { relation: present.relation, certainty: { certain: true, rewritten: reason } };
  }

  /** Whether a shape of the table is in force. */
  knows(id: number): boolean {
    return this.#inForce.has(id);
  }

  /** Settles a Relation message from what is known already; undefined: the catalogue must be asked. */
  settle(message: RelationMessage): SettledShape | undefined {
    const announced = this.#announced.get(message.id);
    if (announced) {
      // A column list cannot be told from the announcement; columns left out need the catalogue's word.
      const relation = matchDescription(message, announced, false);
      if (relation) return this.#accept(relation, announced, this.#rewriteOf(message.id));
    }
    const present = this.#inForce.get(message.id);
    if (this.#announcing && !announced && present && matchesRelation(message, present.relation))
      return this.#accept(present.relation, undefined, this.#rewriteOf(message.id));
    return undefined;
  }

  /** Settles a Relation message with the catalogue's help. */
  settleWith(message: RelationMessage, streamXid: number, view: CatalogueView): SettledShape {
    const present = this.#inForce.get(message.id);
    const announced = this.#announced.get(message.id);
    if (announced && view.columnList) {
      const relation = matchDescription(message, announced, true);
      if (relation) return this.#accept(relation, announced, this.#rewriteOf(message.id));
    }
    const { description } = view;
    const relation = description && matchDescription(message, description.json, view.columnList);
    if (!description || !relation) {
      const reason = description ? 'the table has changed again since' : 'the table no longer exists';
      return this.#doubt(
        message,
        present,
        description,
        `${reason}, so the catalogue cannot tell its columns apart`,
      );
    }
    if (present && sameIdentity(present.relation, relation))
      return this.#accept(relation, description.json, this.#rewriteOf(message.id));
    if (writtenLater(description.writtenBy, streamXid, view.nextXid))
      return this.#doubt(
        message,
        present,
        description,
        'the catalogue was written after this place in the stream',
      );
    const words = this.#rewriteOf(message.id) ?? suspectRewrite(present, relation, description.json);
    return this.#accept(relation, description.json, words);
  }

  #rewriteOf(id: number): string | undefined {
    const words = this.#rewritten.get(id);
    if (words === undefined) return undefined;
    this.#rewritten.delete(id);
    const before = this.#inForce.get(id)?.relation;
    // Made in this stretch of the stream: there are no old rows.
    return before === undefined && this.#announced.has(id) ? undefined : words;
  }

  #accept(relation: Relation, json: RelationJson | undefined, rewritten: string | undefined): SettledShape {
    const { id } = relation;
    const before = this.#inForce.get(id);
    this.#inForce.set(id, { relation, filenode: json?.filenode ?? before?.filenode });
    const isNews =
      !this.#told.has(id) || rewritten !== undefined || !before || !sameShape(before.relation, relation);
    this.#told.add(id);
    if (!isNews) return { relation, certainty: undefined };
    return { relation, certainty: rewritten === undefined ? certain : { certain: true, rewritten } };
  }

  #doubt(
    message: RelationMessage,
    present: EarlierShape | undefined,
    description: TableDescription | undefined,
    reason: string,
  ): SettledShape {
    const relation = provisional(message, present?.relation, description?.json);
    this.#inForce.set(relation.id, { relation, filenode: undefined });
    this.#told.add(relation.id);
    return { relation, certainty: { certain: false, reason } };
  }
}

/** Same attribute numbers under the same names and types: no column was dropped, made or renamed in between. */
function sameIdentity(a: Relation, b: Relation): boolean {
  return (
    a.columns.length === b.columns.length &&
    a.columns.every((column, i) => {
      const other = b.columns[i] as Column;
      return (
        column.attnum === other.attnum &&
        column.name === other.name &&
        column.type.oid === other.type.oid &&
        column.type.typmod === other.type.typmod
      );
    })
  );
}

/** Attribute numbers that no real column has (the limit is 1,600): nothing may be concluded from them. */
const unknownAttnum_base = 10_000;

/** The message's names and types, to decode with; identities are unknown, and handed over as such. */
function provisional(
  message: RelationMessage,
  present: Relation | undefined,
  json: RelationJson | undefined,
): Relation {
  const columns = message.columns.map((column, i): Column => {
    const known = present?.columns.find((one) => one.name === column.name && one.type.oid === column.type);
    const described = json?.types?.find((type) => type.oid === column.type && type.typmod === column.typmod);
    const name = described?.name ?? `type_${column.type}`;
    return {
      attnum: unknownAttnum_base + i,
      name: column.name,
      type: known?.type ?? {
        oid: column.type,
        schema: described?.schema ?? 'pg_catalog',
        name,
        kind: 'base',
        typmod: column.typmod,
        sql: described?.sql ?? name,
      },
      notNull: false,
      generated: false,
      missing: null,
    };
  });
  const identity = { d: 'default', i: 'index', f: 'full' } as const;
  const key = message.identity === 'f' ? [] : message.columns.flatMap((column, i) => (column.key ? [i] : []));
  return {
    id: message.id,
    schema: message.schema,
    name: message.name,
    columns,
    identity: identity[message.identity as keyof typeof identity] ?? 'nothing',
    key,
  };
}
