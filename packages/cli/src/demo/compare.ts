import { DuckDBInstance } from '@duckdb/node-api';
import { PgSession, quoteIdentifier } from '@millrace/postgres';

/** What a table's rows are compared by: one text per row, made by each server itself and not by our own decoding. */
export interface Dump {
  /** Sorted; equal rows stand as often as they occur. */
  readonly rows: readonly string[];
}

export interface TableDifference {
  readonly table: string;
  readonly rows: number;
  /** On the leader and not on the copy, and the other way round; the first few. */
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}

interface ColumnShape {
  readonly name: string;
  readonly type: string;
}

const shown_max = 3;

/** Reads and compares tables of `public`. */
export class Comparison {
  readonly #leaderUrl: string;

  constructor(leaderUrl: string) {
    this.#leaderUrl = leaderUrl;
  }

  async withPostgres(url: string, tables: readonly string[]): Promise<TableDifference[]> {
    const follower = await PgSession.open(url, { role: 'follower' });
    try {
      return await this.#compare(tables, (table, columns) => dumpPostgres(follower, table, columns));
    } finally {
      await follower.close();
    }
  }

  /** The file must have been let go by its applier. */
  async withDuckDb(path: string, tables: readonly string[]): Promise<TableDifference[]> {
    const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
    const connection = await instance.connect();
    try {
      return await this.#compare(tables, async (table, columns) => {
        const cells = columns.map(duckDbText).join(', ');
        const reader = await connection.runAndReadAll(
          `SELECT ${cells} FROM public.${quoteIdentifier(table)}`,
        );
        return {
          rows: reader
            .getRows()
            .map((row) => JSON.stringify(row))
            .sort(),
        };
      });
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }

  async #compare(
    tables: readonly string[],
    dump: (table: string, columns: readonly ColumnShape[]) => Promise<Dump>,
  ): Promise<TableDifference[]> {
    const leader = await PgSession.open(this.#leaderUrl, { role: 'leader' });
    try {
      const found: TableDifference[] = [];
      for (const table of tables) {
        const columns = await columnsOf(leader, table);
        const theirs = await dump(table, columns);
        found.push(differenceOf(table, await dumpPostgres(leader, table, columns), theirs));
      }
      return found;
    } finally {
      await leader.close();
    }
  }
}

async function columnsOf(session: PgSession, table: string): Promise<ColumnShape[]> {
  const rows = await session.query(
    'reading the columns',
    `SELECT attname, atttypid::pg_catalog.regtype AS type FROM pg_catalog.pg_attribute
     WHERE attrelid = 'public.${quoteIdentifier(table)}'::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped
     ORDER BY attnum`,
  );
  return rows.map((row) => ({ name: row.attname as string, type: row.type as string }));
}

async function dumpPostgres(
  session: PgSession,
  table: string,
  columns: readonly ColumnShape[],
): Promise<Dump> {
  const cells = columns.map((column, i) => `${postgresText(column)} AS c${i}`).join(', ');
  const rows = await session.query(
    'dumping a table',
    `SELECT ${cells} FROM public.${quoteIdentifier(table)}`,
  );
  return { rows: rows.map((row) => JSON.stringify(columns.map((_, i) => row[`c${i}`] ?? null))).sort() };
}

/** Instants as whole microseconds on both sides: the servers trim fractions differently. */
function postgresText({ name, type }: ColumnShape): string {
  const column = quoteIdentifier(name);
  return type === 'timestamp with time zone'
    ? `(EXTRACT(epoch FROM ${column}) * 1000000)::pg_catalog.int8::pg_catalog.text`
    : `${column}::pg_catalog.text`;
}

function duckDbText({ name, type }: ColumnShape): string {
  const column = quoteIdentifier(name);
  return type === 'timestamp with time zone'
    ? `CAST(epoch_us(CAST(${column} AS TIMESTAMPTZ)) AS VARCHAR)`
    : `CAST(${column} AS VARCHAR)`;
}

/** Row by row over two sorted lists; pure. */
export function differenceOf(table: string, leader: Dump, copy: Dump): TableDifference {
  const missing: string[] = [];
  const surplus: string[] = [];
  let i = 0;
  let j = 0;
  while (i < leader.rows.length || j < copy.rows.length) {
    const ours = leader.rows[i];
    const theirs = copy.rows[j];
    if (ours === theirs) {
      i += 1;
      j += 1;
    } else if (theirs === undefined || (ours !== undefined && ours < theirs)) {
      missing.push(ours as string);
      i += 1;
    } else {
      surplus.push(theirs);
      j += 1;
    }
  }
  return { table, rows: leader.rows.length, missing, surplus };
}

/** Differences in words, the first few rows of each. */
export function describeDifference({ table, missing, surplus }: TableDifference): string[] {
  const cut = (rows: readonly string[]): string =>
    rows
      .slice(0, shown_max)
      .map((row) => row.slice(0, 200))
      .join(' ');
  return [
    ...(missing.length > 0 ? [`${table}: ${missing.length} rows missing or different: ${cut(missing)}`] : []),
    ...(surplus.length > 0
      ? [`${table}: ${surplus.length} rows too many or different: ${cut(surplus)}`]
      : []),
  ];
}
