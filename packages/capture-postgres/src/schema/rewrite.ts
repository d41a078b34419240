import type { Relation } from '@millrace/model';
import type { RelationJson } from '@millrace/postgres';

/** What the last shape of a table was, and where its rows lay then, if that was seen. */
export interface EarlierShape {
  readonly relation: Relation;
  readonly filenode: number | undefined;
}

/**
 * Without announcements from the leader: in words, why old rows may hold other values than the stream has told (R38);
 * undefined when they cannot. A rewrite gives a table a new filenode, so an unchanged one proves that rows stayed as
 * they were. Otherwise a changed type counts as a rewrite, and so does a new column that reads neither as NULL nor as a
 * recorded missing value in old rows: that is what a volatile default leaves behind.
 */
export function suspectRewrite(
  before: EarlierShape | undefined,
  after: Relation,
  json: RelationJson,
): string | undefined {
  if (!before) return undefined;
  if (before.filenode !== undefined && before.filenode !== 0 && before.filenode === json.filenode)
    return undefined;
  const old = new Map(before.relation.columns.map((column) => [column.attnum, column]));
  const facts = new Map((json.columns ?? []).map((column) => [column.attnum, column]));
  for (const column of after.columns) {
    const was = old.get(column.attnum);
    if (was && (was.type.oid !== column.type.oid || was.type.typmod !== column.type.typmod))
      return `the type of column ${column.name} changed from ${was.type.sql} to ${column.type.sql}`;
    const fact = facts.get(column.attnum);
    if (!was && fact && !fact.hasMissing && (fact.hasDefault || fact.notNull))
      return `column ${column.name} came with a value for old rows that the catalogue does not tell`;
  }
  return undefined;
}

const rewriteReasons: readonly (readonly [number, string])[] = [
  [1, 'ALTER TABLE changed whether it is logged'],
  [2, 'ALTER TABLE added a column whose default differs from row to row'],
  [4, 'ALTER TABLE changed a column’s type'],
];

/**
 * Words for pg_event_trigger_table_rewrite_reason(), a set of bits; undefined when no value can have changed (8: the
 * access method). Source: PostgreSQL's event_trigger.h.
 */
export function describeRewrite(reason: number): string | undefined {
  const words = rewriteReasons.filter(([bit]) => (reason & bit) !== 0).map(([, text]) => text);
  return words.length === 0 ? undefined : `${words.join(', ')} and rewrote its rows`;
}

/**
 * Whether any of these 32-bit transaction ids lies behind the stream's present transaction, in the window that reaches
 * to the server's next id: then the catalogue may be ahead of the stream (R38). Ids wrap around; the window does not
 * exceed the stream's lag.
 */
export function writtenLater(writtenBy: readonly number[], streamXid: number, nextXid: number): boolean {
  const window = (nextXid - streamXid) >>> 0;
  return writtenBy.some((xid) => {
    const distance = (xid - streamXid) >>> 0;
    return distance > 0 && distance < window;
  });
}
