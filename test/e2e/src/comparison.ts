import { createDuckDbFollower } from '@millrace/follower-duckdb';
import type { Column } from '@millrace/model';
import { silentLogger, systemClock } from '@millrace/runtime';
import pg from 'pg';

/** Rows of one table as JSON texts of `{column: text}`, sorted; equal rows stand as often as they occur. */
export type TableRows = readonly string[];

/** By `schema.table`, each name quoted as JSON. */
export type Dump = ReadonlyMap<string, TableRows>;

/** What makes every server print the same text for the same value. */
const settings = [
  'SET DateStyle TO ISO',
  'SET IntervalStyle TO postgres',
  `SET TimeZone TO 'UTC'`,
  'SET extra_float_digits TO 1',
  'SET bytea_output TO hex',
  `SET search_path TO ''`,
  `SET xmloption TO content`,
];

export const tableId = (schema: string, name: string): string => JSON.stringify([schema, name]);

/** Every row of every given table as the server's own text of every column that is stored and not generated. */
export async function dumpPostgres(client: pg.Client, tables: readonly string[]): Promise<Dump> {
  for (const setting of settings) await client.query(setting);
  return await dumpTables(client, tables);
}

async function dumpTables(client: pg.Client, tables: readonly string[]): Promise<Dump> {
  const dump = new Map<string, TableRows>();
  for (const table of tables) {
    const [schema, name] = JSON.parse(table) as [string, string];
    const columns = await textsOf(
      client,
      `SELECT attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = $1 AND c.relname = $2 AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attname`,
      [schema, name],
    );
    // Old-style inheritance: a parent's own rows alone are its table's.
    const only = (await kindOf(client, schema, name)) === 'p' ? '' : 'ONLY ';
    const place = `${only}${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    if ((await kindOf(client, schema, name)) === undefined) continue;
    const { rows } = await client.query<(string | null)[]>({
      text: `SELECT ${columns.map((column) => pg.escapeIdentifier(column)).join(', ')} FROM ${place}`,
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    });
    dump.set(table, sortedRows(columns, rows));
  }
  return dump;
}

/** What the file's own rows say, read back through the follower; its applier must have let the file go. */
export async function dumpDuckDb(path: string, tables: readonly string[]): Promise<Dump> {
  const follower = createDuckDbFollower({
    path,
    name: 'lake',
    memoryLimit: '1GB',
    clock: systemClock,
    logger: silentLogger,
  });
  const dump = new Map<string, TableRows>();
  try {
    for (const { relation } of await follower.tables()) {
      const table = tableId(relation.schema, relation.name);
      if (!tables.includes(table)) continue;
      const rows: (readonly (string | null)[])[] = [];
      for await (const part of follower.scan(relation))
        rows.push(...part.map((row) => row.map((cell) => cell ?? null)));
      dump.set(table, sortedRows(namesOf(relation.columns), rows));
    }
  } finally {
    await follower.close();
  }
  return dump;
}

const namesOf = (columns: readonly Column[]): string[] => columns.map((column) => column.name);

function sortedRows(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): TableRows {
  const order = columns.map((name, i) => [name, i] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return rows.map((row) => JSON.stringify(order.map(([name, i]) => [name, row[i] ?? null]))).sort();
}

async function kindOf(client: pg.Client, schema: string, name: string): Promise<string | undefined> {
  const found = await textsOf(
    client,
    `SELECT c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, name],
  );
  return found[0];
}

async function textsOf(client: pg.Client, text: string, values: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<unknown[]>({ text, values: [...values], rowMode: 'array' });
  return rows.map((row) => String(row[0]));
}

const shown_max = 3;
const shown_chars = 400;

/** The first differences between two dumps in words; undefined when they are equal. */
export function differenceOf(leader: Dump, copy: Dump): string | undefined {
  const lines: string[] = [];
  for (const [table, rows] of leader) {
    const theirs = copy.get(table);
    if (!theirs) {
      lines.push(`${table} is missing`);
      continue;
    }
    const [missing, surplus] = [without(rows, theirs), without(theirs, rows)];
    if (missing.length + surplus.length === 0) continue;
    lines.push(
      `${table}: ${rows.length} rows here, ${theirs.length} there`,
      ...shown('  lacks', missing),
      ...shown('  holds', surplus),
    );
  }
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** Of `rows`, as a multiset, what `others` lacks. */
function without(rows: TableRows, others: TableRows): string[] {
  const counts = new Map<string, number>();
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1);
  return rows.filter((row) => {
    const left = counts.get(row) ?? 0;
    if (left > 0) counts.set(row, left - 1);
    return left === 0;
  });
}

const shown = (verb: string, rows: readonly string[]): string[] =>
  rows.slice(0, shown_max).map((row) => `${verb} ${row.slice(0, shown_chars)}`);
