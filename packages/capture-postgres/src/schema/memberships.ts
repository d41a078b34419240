import { type PgSession, quoteLiteral } from '@millrace/postgres';

export interface MembershipRequest {
  readonly publication: string;
  /** server_version_num / 10000. */
  readonly serverVersion: number;
  /** Oids of published tables. */
  readonly ids: readonly number[];
}

/**
 * By table the oids of the catalogue's rows by which it is published: its own, its schema's, and those of the tables that it is a
 * partition of. Taken out and put back it has new ones; also when its row filter or list of columns changed. None under FOR ALL
 * TABLES, which no table leaves.
 */
export async function readMemberships(
  session: PgSession,
  { publication, serverVersion, ids }: MembershipRequest,
): Promise<ReadonlyMap<number, string>> {
  if (ids.length === 0) return new Map();
  const bySchema =
    serverVersion >= 15
      ? `UNION ALL SELECT n.oid FROM pg_catalog.pg_publication_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.pnnspid
           WHERE n.pnpubid = p.oid AND c.oid IN (SELECT oid FROM lineage)`
      : '';
  const rows = await session.query(
    'looking by what tables are published',
    `SELECT t.id::pg_catalog.int8 AS id, pg_catalog.array_to_string(ARRAY(
       WITH lineage AS (SELECT t.id AS oid UNION SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_ancestors(t.id))
       SELECT m.oid FROM (
         SELECT r.oid FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid IN (SELECT oid FROM lineage)
         ${bySchema}) m ORDER BY 1), ',') AS members
     FROM pg_catalog.pg_publication p, pg_catalog.unnest('{${ids.map(Number).join(',')}}'::pg_catalog.oid[]) AS t(id)
     WHERE p.pubname = ${quoteLiteral(publication)}`,
  );
  return new Map(rows.map((row) => [Number(row.id), String(row.members)]));
}
