/**
 * One SQL expression that describes a table as JSON (`RelationJson` in relation-json.ts). Catalogue reads and the DDL
 * event trigger on the leader use the same text, so that both say the same about the same table.
 *
 * It stands on pg_catalog alone, and on the session's fixed settings (`session-settings.ts`): an empty search_path
 * makes format_type() write user types with their schema.
 */
const attributes = `
  SELECT a.* FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`;

/**
 * Columns. attmissingval is an array with one element of the column's type; its text is an array literal whose single
 * element, read as text[], is exactly what the type's output function writes.
 */
const columns = `
  SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'attnum', a.attnum,
    'name', a.attname,
    'type', a.atttypid::pg_catalog.int8,
    'typmod', a.atttypmod,
    'notNull', a.attnotnull,
    'generated', a.attgenerated,
    'hasDefault', a.atthasdef,
    'hasMissing', a.atthasmissing,
    'missing', CASE WHEN a.atthasmissing THEN (a.attmissingval::pg_catalog.text::pg_catalog.text[])[1] END,
    'collation', (SELECT pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname)
      FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
      WHERE co.oid = a.attcollation AND a.attcollation <> 100)
  ) ORDER BY a.attnum) FROM (${attributes}) a`;

/**
 * Types reachable from the columns, as (oid, typmod) pairs: an array hands its typmod to its element, a domain has one of
 * its own. Real arrays are told by their output function; int2vector and oidvector print otherwise.
 */
const types = `
  WITH RECURSIVE reached(oid, typmod) AS (
    SELECT a.atttypid, a.atttypmod FROM (${attributes}) a
    UNION
    SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,
           CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE r.typmod END
    FROM reached r JOIN pg_catalog.pg_type t ON t.oid = r.oid
    WHERE t.typtype = 'd' OR t.typoutput = 'pg_catalog.array_out'::pg_catalog.regproc
  )
  SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'oid', t.oid::pg_catalog.int8,
    'typmod', r.typmod,
    'schema', tn.nspname,
    'name', t.typname,
    'typtype', t.typtype,
    'array', t.typoutput = 'pg_catalog.array_out'::pg_catalog.regproc,
    'element', t.typelem::pg_catalog.int8,
    'base', t.typbasetype::pg_catalog.int8,
    'baseTypmod', t.typtypmod,
    'sql', pg_catalog.format_type(t.oid, r.typmod),
    'labels', (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
      FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)
  )) FROM reached r JOIN pg_catalog.pg_type t ON t.oid = r.oid
     JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace`;

/** Attribute numbers of an index's key columns (INCLUDEd ones are no key), in index order. */
const indexColumns = (condition: string): string => `
  SELECT pg_catalog.json_agg(k.attnum ORDER BY k.place)
  FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
  WHERE i.indrelid = c.oid AND i.indislive AND i.indisvalid AND k.place <= i.indnkeyatts AND ${condition}`;

/** Describes the pg_class row `c` (with its namespace `n`). A deferrable primary key identifies no rows for the server. */
export const relationJson = `
  pg_catalog.json_build_object(
    'id', c.oid::pg_catalog.int8,
    'schema', n.nspname,
    'name', c.relname,
    'kind', c.relkind,
    'persistence', c.relpersistence,
    'identity', c.relreplident,
    'filenode', c.relfilenode::pg_catalog.int8,
    'primaryKey', (${indexColumns('i.indisprimary AND i.indimmediate')}),
    'identityIndex', (${indexColumns('i.indisreplident')}),
    'columns', (${columns}),
    'types', (${types}))`;

/** SELECT of (id, description, xmins, estimated) for the tables that `condition` (on `c` and `n`) chooses. */
export const selectRelations = (condition: string): string => `
  SELECT c.oid::pg_catalog.int8 AS id, ${relationJson} AS description,
    (SELECT pg_catalog.string_agg(DISTINCT a.xmin::pg_catalog.text, ' ')
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS xmins,
    c.reltuples AS estimated
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE ${condition}`;
