import {
  missingTables,
  type PgSession,
  type PublicationInfo,
  type PublishedTable,
  quoteLiteral,
  quoteQualified,
  readPublication,
  readPublishedTables,
  readServer,
  readSlot,
  type ServerInfo,
  type SlotInfo,
  type TableName,
  unidentifiedTables,
} from '@millrace/postgres';
import { type DdlTriggerState, ddlTriggerState } from '../schema/ddl-trigger.js';
import { publishedRoots, readPartitions } from '../schema/partitions.js';

/** What is to be checked: the parts of the source's configuration that a leader must fit. */
export interface PreflightRequest {
  readonly slot: string;
  readonly publication: {
    readonly name: string;
    readonly create: boolean;
    readonly tables?: readonly TableName[];
  };
  readonly ddlEvents: 'auto' | 'on' | 'off';
}

export interface TableFacts {
  readonly schema: string;
  readonly name: string;
  /** pg_class.relkind of what carries the name; undefined: there is nothing. */
  readonly kind: string | undefined;
  readonly unlogged: boolean;
  readonly readable: boolean;
  readonly owned: boolean;
  /** Row-level security would hide rows from this role. */
  readonly rowSecurity: boolean;
}

/** Everything the verdicts rest on, read in one go and changing nothing. */
export interface LeaderFacts {
  readonly server: ServerInfo;
  readonly slotsUsed: number;
  readonly sendersUsed: number;
  readonly sendersMax: number;
  /** Megabytes, −1: no limit. */
  readonly maxSlotWalKeep_mb: number;
  readonly mayReplicate: boolean;
  readonly mayCreate: boolean;
  readonly slot: SlotInfo | undefined;
  readonly publication: PublicationInfo | undefined;
  readonly unpublished: readonly TableName[];
  readonly published: readonly PublishedTable[];
  readonly tables: readonly TableFacts[];
  /** Configured tables without a row identity that the publication does not hold (yet). */
  readonly unidentified: readonly TableName[];
  readonly ddlTrigger: DdlTriggerState;
  /** Partitions that are published as another table's, where their identity is not its. */
  readonly strangers: readonly StrangerPartition[];
}

/** A partition whose old rows the server sends by another identity than it says. */
export interface StrangerPartition {
  readonly root: TableName;
  readonly partition: TableName;
  /** pg_class.relreplident: d default, i index, f full, n nothing. */
  readonly rootIdentity: string;
}

export async function gatherFacts(session: PgSession, request: PreflightRequest): Promise<LeaderFacts> {
  const server = await readServer(session);
  const settings = await session.queryOne(
    'reading the settings of the leader',
    `SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots) AS slots_used,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication) AS senders_used,
       pg_catalog.current_setting('max_wal_senders') AS senders_max,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep_mb,
       (SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER) AS replicate,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS creates`,
  );
  const publication = await readPublication(session, request.publication.name);
  const published = publication ? await readPublishedTables(session, publication.name, server.version) : [];
  const wanted =
    request.publication.tables ??
    published.map((table) => ({ schema: table.relation.schema, name: table.relation.name }));
  return {
    server,
    slotsUsed: Number(settings.slots_used),
    sendersUsed: Number(settings.senders_used),
    sendersMax: Number(settings.senders_max),
    maxSlotWalKeep_mb: Number(settings.keep_mb),
    mayReplicate: settings.replicate === 't',
    mayCreate: settings.creates === 't',
    slot: await readSlot(session, request.slot),
    publication,
    unpublished: publication
      ? await missingTables(
          session,
          { name: publication.name, tables: request.publication.tables },
          publication,
        )
      : [],
    published,
    tables: await tableFacts(session, wanted),
    unidentified: await unidentifiedTables(
      session,
      wanted.filter(
        ({ schema, name }) =>
          !published.some(({ relation }) => relation.schema === schema && relation.name === name),
      ),
    ),
    ddlTrigger: await ddlTriggerState(session),
    strangers: await strangerPartitions(session, published),
  };
}

async function strangerPartitions(
  session: PgSession,
  published: readonly PublishedTable[],
): Promise<StrangerPartition[]> {
  const roots = new Map(published.map(({ relation }) => [relation.id, relation]));
  const partitions = await readPartitions(session, publishedRoots(published));
  const pairs = [...partitions].flatMap(([root, leaves]) => leaves.map(({ id }) => `(${root}, ${id})`));
  if (pairs.length === 0) return [];
  const rows = await session.query(
    'comparing the identities of partitions',
    `SELECT p.root::pg_catalog.int8 AS root, r.relreplident AS identity, n.nspname AS schema, c.relname AS name
     FROM (VALUES ${pairs.join(', ')}) AS p(root, leaf) JOIN pg_catalog.pg_class r ON r.oid = p.root
     JOIN pg_catalog.pg_class c ON c.oid = p.leaf JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relreplident <> r.relreplident ORDER BY n.nspname, c.relname`,
  );
  return rows.flatMap((row) => {
    const root = roots.get(Number(row.root));
    const partition = { schema: row.schema as string, name: row.name as string };
    return root ? [{ root, partition, rootIdentity: row.identity as string }] : [];
  });
}

async function tableFacts(session: PgSession, tables: readonly TableName[]): Promise<TableFacts[]> {
  if (tables.length === 0) return [];
  const values = tables.map(({ schema, name }) => {
    const regclass = quoteLiteral(quoteQualified(schema, name));
    return `(${quoteLiteral(schema)}, ${quoteLiteral(name)}, pg_catalog.to_regclass(${regclass}))`;
  });
  const rows = await session.query(
    'looking at the tables',
    `SELECT w.schema, w.name, c.relkind, c.relpersistence = 'u' AS unlogged,
       c.oid IS NOT NULL AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
         AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AS readable,
       c.oid IS NOT NULL AND pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
       c.oid IS NOT NULL AND pg_catalog.row_security_active(c.oid) AS hidden
     FROM (VALUES ${values.join(', ')}) AS w(schema, name, id) LEFT JOIN pg_catalog.pg_class c ON c.oid = w.id
     ORDER BY w.schema, w.name`,
  );
  return rows.map((row) => ({
    schema: row.schema as string,
    name: row.name as string,
    kind: row.relkind ?? undefined,
    unlogged: row.unlogged === 't',
    readable: row.readable === 't',
    owned: row.owned === 't',
    rowSecurity: row.hidden === 't',
  }));
}
