import type { Relation } from '@millrace/model';
import { type PgSession, quoteQualified } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import { run } from '../store/sessions.js';
import { describePlace, type TableName } from './names.js';
import { readShape, type TableShape } from './shape.js';

/** Why a table that stands in the way cannot be used for `relation`; undefined when it can. Pure. */
export function unfitReason(relation: Relation, shape: TableShape): string | undefined {
  const wanted = new Set(relation.columns.map((column) => column.name));
  for (const name of wanted) if (!shape.columns.has(name)) return `it has no column ${name}`;
  for (const column of shape.columns.values()) {
    if (!wanted.has(column.name) && column.notNull && !column.hasDefault)
      return `its column ${column.name} must not be null, and the leader has no such column`;
  }
  const key = relation.key.map((index) => relation.columns[index]?.name as string).sort();
  const indexed = shape.uniqueKeys.some((names) => [...names].sort().join('\0') === key.join('\0'));
  if (key.length > 0 && !indexed) return `it has no unique index on (${key.join(', ')})`;
  return undefined;
}

/** True when a table of this name exists and may be used as it is; throws MR-4008 when it may not. */
export async function adoptExisting(
  session: PgSession,
  relation: Relation,
  place: TableName,
  policy: 'refuse' | 'adopt',
): Promise<boolean> {
  const shape = await readShape(session, place);
  if (!shape) return false;
  const unfit = unfitReason(relation, shape);
  if (unfit !== undefined) throw inTheWay(place, unfit);
  const { rows } = await run(session, `looking into ${describePlace(place)}`, {
    text: `SELECT EXISTS (SELECT FROM ${quoteQualified(place.schema, place.name)})`,
  });
  if (rows[0]?.[0] === 't' && policy !== 'adopt') throw inTheWay(place, 'it holds rows');
  return true;
}

function inTheWay(place: TableName, why: string): Fault {
  return new Fault('MR-4008', {
    detail: `Table ${describePlace(place)} exists in the follower, was not made by Millrace and cannot be used: ${why}.`,
    remedy:
      'Rename or drop it, map the schema to another one, or set `postgres.adopt: true` for this follower if its rows may be overwritten.',
  });
}
