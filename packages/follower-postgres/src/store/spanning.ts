import { type PgSession, quoteLiteral, quoteQualified } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import type { TableEntry } from './meta.js';
import { run } from './sessions.js';

/**
 * R27: MR-4014 when a mirrored table has a constraint that rows of several partitions share: a unique or exclusion
 * constraint that does not contain the key, or a foreign key from or to it. A value freed on one partition and taken on another would
 * make workers wait for each other for ever, or refuse what the leader accepted.
 */
export async function refuseSpanningConstraints(
  session: PgSession,
  entries: readonly TableEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const { rows } = await run(session, 'looking for constraints that span partitions', {
    text: `WITH mirrored (place, key) AS (VALUES ${entries.map(mirroredRow).join(', ')}),
             present AS (SELECT to_regclass(place) AS oid, key FROM mirrored)
           SELECT p.oid::pg_catalog.regclass::text, i.indexrelid::pg_catalog.regclass::text
             FROM present p JOIN pg_catalog.pg_index i ON i.indrelid = p.oid
             WHERE (i.indisunique OR i.indisexclusion) AND NOT (p.key <> '{}' AND p.key <@ ARRAY(
               SELECT a.attname::text FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])))
           UNION ALL
           SELECT p.oid::pg_catalog.regclass::text, c.conname::text
             FROM present p JOIN pg_catalog.pg_constraint c ON c.contype = 'f' AND p.oid IN (c.conrelid, c.confrelid)
           LIMIT 1`,
  });
  const [table, constraint] = rows[0] ?? [];
  if (table != null)
    throw new Fault('MR-4014', {
      detail: `Table ${table} has ${constraint}, which rows of several partitions share.`,
      context: { table, constraint: constraint ?? '' },
    });
}

function mirroredRow({ mirrored, place }: TableEntry): string {
  const { columns, key } = mirrored.relation;
  const names = key.map((index) => quoteLiteral(columns[index]?.name ?? ''));
  return `(${quoteLiteral(quoteQualified(place.schema, place.name))}, ARRAY[${names.join(', ')}]::pg_catalog.text[])`;
}
