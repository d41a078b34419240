import { type PgSession, quoteLiteral, quoteQualified } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';
import type { TableEntry } from './entries.js';
import { run } from './sessions.js';

/**
 * R27: MR-4014 when a mirrored table has a constraint that rows of several partitions share: a unique or exclusion
 * constraint that does not contain the key, or a foreign key from or to it. A value freed on one partition and taken on another would
 * make workers wait for each other for ever, or refuse what the leader accepted. Also when one value of the key has several
 * spellings, as 1.0 and 1.00: the log divides keys by their bytes, so that one row's events would come by two partitions.
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
  await refuseSeveralSpellings(session, entries);
}

/**
 * The server says of an operator class whether equal values are equal in their bytes (`equalimage`, support function 4). numeric
 * has it where its scale is fixed; interval, of which some versions say so, has 1 day and 24 hours.
 */
async function refuseSeveralSpellings(session: PgSession, entries: readonly TableEntry[]): Promise<void> {
  const { rows } = await run(session, 'looking for keys of several spellings', {
    text: `WITH mirrored (place, key) AS (VALUES ${entries.map(mirroredRow).join(', ')})
           SELECT i.indrelid::pg_catalog.regclass::text, a.attname::text, a.atttypid::pg_catalog.regtype::text
             FROM mirrored m
             JOIN pg_catalog.pg_index i ON i.indrelid = to_regclass(m.place) AND i.indisunique
             CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[]) AS c (attnum, class, coll)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.attnum
             JOIN pg_catalog.pg_opclass o ON o.oid = c.class
             LEFT JOIN pg_catalog.pg_collation l ON l.oid = c.coll
             WHERE a.attname = ANY (m.key) AND NOT (coalesce(l.collisdeterministic, true) AND
               CASE o.opcintype
                 WHEN 'numeric'::pg_catalog.regtype THEN a.atttypmod >= 0
                 WHEN 'interval'::pg_catalog.regtype THEN false
                 ELSE EXISTS (SELECT FROM pg_catalog.pg_amproc f
                   WHERE f.amprocfamily = o.opcfamily AND f.amproclefttype = o.opcintype
                     AND f.amprocrighttype = o.opcintype AND f.amprocnum = 4)
               END)
           LIMIT 1`,
  });
  const [table, column, type] = rows[0] ?? [];
  if (table == null) return;
  throw new Fault('MR-4014', {
    detail: `Table ${table} has key column ${column} of type ${type}, in which one value has several spellings: the events of one row may come by several partitions.`,
    remedy: 'Use `mode: transactional` for this follower.',
    context: { table, column: column ?? '' },
  });
}

function mirroredRow({ mirrored, place }: TableEntry): string {
  const { columns, key } = mirrored.relation;
  const names = key.map((index) => quoteLiteral(columns[index]?.name ?? ''));
  return `(${quoteLiteral(quoteQualified(place.schema, place.name))}, ARRAY[${names.join(', ')}]::pg_catalog.text[])`;
}
