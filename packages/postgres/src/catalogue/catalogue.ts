import type { Relation } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { PgSession, TextRow } from '../connection/session.js';
import { quoteLiteral } from '../quote.js';
import { isOrdinaryColumn, type RelationJson, relationOf } from './relation-json.js';
import { selectRelations } from './relation-query.js';

/** A table as the catalogue describes it, with what the model's Relation leaves out. */
export interface TableDescription {
  readonly json: RelationJson;
  /** pg_class.reltuples: −1 when never analysed. */
  readonly estimatedRows: number;
  /** 32-bit ids of the transactions that last wrote the table's pg_attribute rows, dropped columns included. */
  readonly writtenBy: readonly number[];
}

/** Describes tables by oid; those that do not exist are left out. */
export async function describeTables(
  session: PgSession,
  oids: readonly number[],
): Promise<Map<number, TableDescription>> {
  if (oids.length === 0) return new Map();
  return describeWhere(session, `c.oid IN (${oids.map(Number).join(', ')})`);
}

/** Describes one table by its exact name. */
export async function describeTableNamed(
  session: PgSession,
  schema: string,
  name: string,
): Promise<TableDescription | undefined> {
  const found = await describeWhere(
    session,
    `n.nspname = ${quoteLiteral(schema)} AND c.relname = ${quoteLiteral(name)} AND c.relkind IN ('r', 'p')`,
  );
  return found.values().next().value;
}

/**
 * The shape of one table by its exact name with all ordinary columns, whatever is published; undefined when there is
 * none.
 */
export async function readRelation(
  session: PgSession,
  schema: string,
  name: string,
): Promise<Relation | undefined> {
  const description = await describeTableNamed(session, schema, name);
  return description && relationOf(description.json, isOrdinaryColumn);
}

async function describeWhere(session: PgSession, condition: string): Promise<Map<number, TableDescription>> {
  const rows = await session.query('reading the catalogue', selectRelations(condition));
  return new Map(rows.map((row) => [Number(row.id), descriptionOf(row)]));
}

function descriptionOf(row: TextRow): TableDescription {
  const json: unknown = JSON.parse(row.description ?? 'null');
  if (!isRelationJson(json))
    throw new Fault('MR-9001', { detail: 'the catalogue query did not describe a table' });
  const writtenBy = (row.xmins ?? '').split(' ').filter((xid) => xid !== '');
  return { json, estimatedRows: Number(row.estimated), writtenBy: writtenBy.map(Number) };
}

/** Checks the outline only: the text comes from our own query, or from our own trigger. */
export function isRelationJson(value: unknown): value is RelationJson {
  if (typeof value !== 'object' || value === null) return false;
  const json = value as Record<string, unknown>;
  const list = (field: unknown): boolean => field === null || Array.isArray(field);
  return (
    typeof json.id === 'number' &&
    typeof json.schema === 'string' &&
    typeof json.name === 'string' &&
    typeof json.identity === 'string' &&
    list(json.columns) &&
    list(json.types)
  );
}
