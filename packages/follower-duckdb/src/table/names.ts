import { createHash } from 'node:crypto';
import type { Column, Relation } from '@millrace/model';
import { quoteName } from '../engine/sql.js';

/** Where a table's rows are in the file, unquoted. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** DuckDB compares names without regard to ASCII case, quoted or not; folding more than it does harms nothing. */
export const fold = (name: string): string => name.toLowerCase();

/** DuckDB's own name for a row's address, which a column of that name would hide from us. */
const reservedColumns = ['rowid'];

/**
 * The file's column names, by attnum: PostgreSQL's, but where two differ in case only (or one is taken by DuckDB), the later
 * one has its attnum appended. A function of the relation alone, so that it can be told again at any time.
 */
export function columnNames(columns: readonly Column[]): ReadonlyMap<number, string> {
  const taken = new Set(reservedColumns);
  const names = new Map<number, string>();
  for (const { attnum, name } of columns) {
    let free = name;
    while (taken.has(fold(free))) free = `${free}_${attnum}`;
    taken.add(fold(free));
    names.set(attnum, free);
  }
  return names;
}

/** The file's place for a leader's table. `isTaken` tells of places that other tables have, whatever their case. */
export function placeOf(
  relation: Pick<Relation, 'schema' | 'name'>,
  schemas: Readonly<Record<string, string>>,
  isTaken: (place: TableName) => boolean,
): TableName {
  const mapped = Object.hasOwn(schemas, relation.schema) ? schemas[relation.schema] : undefined;
  const place = { schema: mapped ?? relation.schema, name: relation.name };
  if (!isTaken(place)) return place;
  const mark = createHash('sha256').update(`${relation.schema}\0${relation.name}`).digest('hex').slice(0, 8);
  return { ...place, name: `${place.name}_${mark}` };
}

/** One text per place, equal for places that DuckDB takes for the same. */
export const placeId = (place: TableName): string => JSON.stringify([fold(place.schema), fold(place.name)]);

export const sqlOf = (catalog: string, place: TableName): string =>
  `${catalog}.${quoteName(place.schema)}.${quoteName(place.name)}`;

/** A name that stands in while others are exchanged. */
export function standInName(subject: string): string {
  return `millrace_aside_${createHash('sha256').update(subject).digest('hex').slice(0, 24)}`;
}
