import type pg from 'pg';

interface TableRow {
  readonly table: string;
  readonly columns: string;
  readonly constraints: string[];
}

/**
 * `CREATE TABLE` of the leader's tables, columns and primary keys alone: what a native subscription must be given, for it copies
 * no definitions. Millrace makes its own.
 */
export async function tableDefinitions(leader: pg.Client, tables: readonly string[]): Promise<string[]> {
  const { rows } = await leader.query<TableRow>(shapesOf, [tables]);
  return rows.map(
    ({ table, columns, constraints }) => `CREATE TABLE ${table} (${[columns, ...constraints].join(', ')})`,
  );
}

const shapesOf = `
SELECT t.name AS "table",
  (SELECT string_agg(format('%I %s%s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END), ', ' ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = t.name::regclass AND attnum > 0 AND NOT attisdropped) AS columns,
  ARRAY(SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = t.name::regclass AND contype = 'p') AS constraints
FROM unnest($1::text[]) AS t(name)`;
