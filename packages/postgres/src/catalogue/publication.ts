import type { Relation } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { sqlStateOf } from '../connection/server-fault.js';
import type { PgSession } from '../connection/session.js';
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../quote.js';
import { describeTables, type TableDescription } from './catalogue.js';
import { type ColumnJson, isOrdinaryColumn, relationOf } from './relation-json.js';

/** A table's exact name. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface PublicationInfo {
  readonly name: string;
  readonly allTables: boolean;
  /** Changes of partitions arrive as their root's. */
  readonly viaRoot: boolean;
  /** What it leaves out, as `insert`, `update`, `delete`, `truncate`. */
  readonly missingActions: readonly string[];
}

export interface PublishedTable {
  readonly relation: Relation;
  readonly description: TableDescription;
  /** The publication names a list of columns. */
  readonly columnList: boolean;
  /** WHERE expression of the publication (15 on), if any. */
  readonly rowFilter: string | undefined;
}

/** Undefined when there is no publication of that name. */
export async function readPublication(
  session: PgSession,
  name: string,
): Promise<PublicationInfo | undefined> {
  const rows = await session.query(
    'reading the publication',
    `SELECT puballtables, pubviaroot, pubinsert, pubupdate, pubdelete, pubtruncate
     FROM pg_catalog.pg_publication WHERE pubname = ${quoteLiteral(name)}`,
  );
  const row = rows[0];
  if (!row) return undefined;
  const actions = ['insert', 'update', 'delete', 'truncate'];
  return {
    name,
    allTables: row.puballtables === 't',
    viaRoot: row.pubviaroot === 't',
    missingActions: actions.filter((action) => row[`pub${action}`] !== 't'),
  };
}

/**
 * The tables of a publication with exactly the columns that its events carry, ordered by schema and name. `serverVersion`
 * as server_version_num / 10000; `onlyOid` asks for one table.
 */
export async function readPublishedTables(
  session: PgSession,
  publication: string,
  serverVersion: number,
  onlyOid?: number,
): Promise<PublishedTable[]> {
  // 14 knows neither column lists nor row filters, and its view has no columns for them.
  const details =
    serverVersion >= 15
      ? `pg_catalog.array_to_json(p.attnames) AS attnames, p.rowfilter AS rowfilter,
         EXISTS (SELECT FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication b ON b.oid = r.prpubid
           WHERE b.pubname = p.pubname AND r.prrelid = c.oid AND r.prattrs IS NOT NULL) AS listed`
      : `NULL AS attnames, NULL AS rowfilter, false AS listed`;
  const rows = await session.query(
    'reading the tables of the publication',
    `SELECT c.oid::pg_catalog.int8 AS id, ${details}
     FROM pg_catalog.pg_publication_tables p
     JOIN pg_catalog.pg_namespace n ON n.nspname = p.schemaname
     JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
     WHERE p.pubname = ${quoteLiteral(publication)} ${onlyOid === undefined ? '' : `AND c.oid = ${Number(onlyOid)}`}
     ORDER BY p.schemaname, p.tablename`,
  );
  const described = await describeTables(
    session,
    rows.map((row) => Number(row.id)),
  );
  return rows.flatMap((row) => {
    const description = described.get(Number(row.id));
    // Dropped between the two queries.
    if (!description) return [];
    const names = row.attnames == null ? undefined : new Set(JSON.parse(row.attnames) as string[]);
    return [
      {
        relation: relationOf(description.json, publishedColumns(names, serverVersion)),
        description,
        columnList: row.listed === 't',
        rowFilter: row.rowfilter ?? undefined,
      },
    ];
  });
}

function publishedColumns(
  names: ReadonlySet<string> | undefined,
  serverVersion: number,
): (column: ColumnJson) => boolean {
  return (column) => {
    if (names && !names.has(column.name)) return false;
    // Stored generated columns travel from 18 on, if the publication asks for them: then its view names them.
    return (
      isOrdinaryColumn(column) || (serverVersion >= 18 && names !== undefined && column.generated === 's')
    );
  };
}

export interface EnsurePublication {
  readonly name: string;
  /** Make it, or add the missing tables, instead of failing. */
  readonly create: boolean;
  /** Undefined: all tables. */
  readonly tables: readonly TableName[] | undefined;
}

/**
 * Makes sure that the publication exists and holds the tables. Throws MR-2013 when it does not and `create` is off, or
 * when a table does not exist; MR-2002 when the role may not; MR-2014 for tables without a row identity.
 */
export async function ensurePublication(session: PgSession, wanted: EnsurePublication): Promise<void> {
  const present = await readPublication(session, wanted.name);
  if (!present) {
    if (!wanted.create)
      throw publicationMissing(`publication ${wanted.name} does not exist`, createStatement(wanted));
    await refuseUnidentified(session, wanted.tables ?? []);
    await run(session, createStatement(wanted), wanted.name);
    return;
  }
  const missing = await missingTables(session, wanted, present);
  if (missing.length === 0) return;
  const statement = addStatement(wanted.name, missing);
  if (!wanted.create) {
    const names = missing.map((table) => `${table.schema}.${table.name}`).join(', ');
    throw publicationMissing(`publication ${wanted.name} lacks ${names}`, statement);
  }
  await refuseUnidentified(session, missing);
  await run(session, statement, wanted.name);
}

/** Publishing such a table would break the leader's own writers: their updates and deletes would fail from then on. */
async function refuseUnidentified(session: PgSession, tables: readonly TableName[]): Promise<void> {
  const found = await unidentifiedTables(session, tables);
  if (found.length === 0) return;
  const names = found.map(({ schema, name }) => `${schema}.${name}`).join(', ');
  throw new Fault('MR-2014', {
    detail: `no row identity: ${names}. Once published, the leader itself would refuse updates and deletes there`,
    remedy: `Give each a primary key, or leave it out of \`leader.tables\`, or run on the leader: ${found.map(identityStatement).join(' ')}`,
  });
}

export const identityStatement = ({ schema, name }: TableName): string =>
  `ALTER TABLE ${quoteQualified(schema, name)} REPLICA IDENTITY FULL;`;

/** Those of `tables` whose updates and deletes the server refuses once they are published; those that do not exist are left out. */
export async function unidentifiedTables(
  session: PgSession,
  tables: readonly TableName[],
): Promise<TableName[]> {
  if (tables.length === 0) return [];
  const wanted = tables.map(({ schema, name }) => `(${quoteLiteral(schema)}, ${quoteLiteral(name)})`);
  const rows = await session.query(
    'looking for row identities',
    // Changes of a partitioned table are its leaves': their identity is what the server asks for.
    `SELECT DISTINCT w.schema, w.name FROM (VALUES ${wanted.join(', ')}) AS w(schema, name)
     JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
     JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
     LEFT JOIN LATERAL pg_catalog.pg_partition_tree(c.oid) t ON t.isleaf
     JOIN pg_catalog.pg_class leaf ON leaf.oid = COALESCE(t.relid::pg_catalog.oid, c.oid) AND leaf.relkind = 'r'
     WHERE leaf.relreplident <> 'f' AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = leaf.oid AND x.indisvalid AND x.indimmediate
         AND CASE leaf.relreplident WHEN 'd' THEN x.indisprimary WHEN 'i' THEN x.indisreplident ELSE false END)
     ORDER BY 1, 2`,
  );
  return rows.map((row) => ({ schema: row.schema as string, name: row.name as string }));
}

/** The configured tables that the publication does not hold. */
export async function missingTables(
  session: PgSession,
  wanted: Pick<EnsurePublication, 'name' | 'tables'>,
  present: PublicationInfo,
): Promise<TableName[]> {
  if (present.allTables || wanted.tables === undefined) return [];
  const rows = await session.query(
    'reading the tables of the publication',
    // A partitioned table counts as held when it is listed itself, or when its root is.
    `SELECT n.nspname, c.relname FROM pg_catalog.pg_publication_rel r
     JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
     JOIN pg_catalog.pg_class c ON c.oid = r.prrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE p.pubname = ${quoteLiteral(wanted.name)}
     UNION SELECT schemaname, tablename FROM pg_catalog.pg_publication_tables
     WHERE pubname = ${quoteLiteral(wanted.name)}`,
  );
  const held = new Set(rows.map((row) => JSON.stringify([row.nspname, row.relname])));
  return wanted.tables.filter((table) => !held.has(JSON.stringify([table.schema, table.name])));
}

export function createStatement(wanted: Pick<EnsurePublication, 'name' | 'tables'>): string {
  const tables =
    wanted.tables === undefined
      ? 'FOR ALL TABLES'
      : wanted.tables.length === 0
        ? ''
        : `FOR TABLE ${wanted.tables.map((table) => quoteQualified(table.schema, table.name)).join(', ')}`;
  return `CREATE PUBLICATION ${quoteIdentifier(wanted.name)} ${tables}`.trim();
}

export function addStatement(publication: string, tables: readonly TableName[]): string {
  const list = tables.map((table) => quoteQualified(table.schema, table.name)).join(', ');
  return `ALTER PUBLICATION ${quoteIdentifier(publication)} ADD TABLE ${list}`;
}

const publicationMissing = (detail: string, statement: string): Fault =>
  new Fault('MR-2013', {
    detail,
    remedy: `Run \`${statement}\` on the leader, or set \`publication.create: true\`.`,
  });

async function run(session: PgSession, statement: string, name: string): Promise<void> {
  try {
    await session.query(`preparing publication ${name}`, statement);
  } catch (error) {
    const state = sqlStateOf(error);
    // Another capture made it at the same moment.
    if (state === '42710') return;
    if (state === '42P01' || state === '3F000') {
      throw new Fault('MR-2013', {
        detail: `a configured table does not exist: ${error instanceof Fault ? error.detail : String(error)}`,
        remedy: 'Correct the table names in the configuration.',
        cause: error,
      });
    }
    if (state === '42501' && error instanceof Fault)
      throw new Fault('MR-2002', {
        detail: error.detail,
        remedy: `As a superuser or the tables’ owner, run on the leader: ${statement};`,
        cause: error.cause,
      });
    throw error;
  }
}
