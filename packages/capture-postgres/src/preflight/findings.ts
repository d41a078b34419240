import {
  addStatement,
  createStatement,
  identityStatement,
  oldestVersion,
  type PublishedTable,
  quoteIdentifier,
  quoteLiteral,
  quoteQualified,
  slotTrouble,
} from '@millrace/postgres';
import { ddlTriggerSql } from '../schema/ddl-trigger.js';
import type { LeaderFacts, PreflightRequest, TableFacts } from './facts.js';

/** `error` stops replication, `warning` will hurt later, `note` is worth knowing. */
export type Severity = 'error' | 'warning' | 'note';

export interface Finding {
  readonly severity: Severity;
  /** Stable name of the check: `wal-level`. */
  readonly check: string;
  /** What it is about, where there are several: `public.orders`. */
  readonly subject?: string;
  readonly message: string;
  /** SQL or an instruction that mends it. */
  readonly fix?: string;
}

/** All findings about a leader, worst first. Pure. */
export function judge(facts: LeaderFacts, request: PreflightRequest): Finding[] {
  const findings = [
    ...serverFindings(facts),
    ...roomFindings(facts),
    ...roleFindings(facts, request),
    ...ownerFindings(facts, request),
    ...slotFindings(facts, request),
    ...publicationFindings(facts, request),
    ...facts.tables.flatMap((table) => tableFindings(table, quoteIdentifier(facts.server.role))),
    ...facts.unidentified.map(({ schema, name }) => identityFinding(schema, name)),
    ...facts.published.flatMap((table) => publishedFindings(table, facts)),
    ...schemaFindings(facts, request),
  ];
  const rank: Record<Severity, number> = { error: 0, warning: 1, note: 2 };
  return findings.sort((a, b) => rank[a.severity] - rank[b.severity]);
}

function serverFindings({ server }: LeaderFacts): Finding[] {
  const findings: Finding[] = [];
  if (server.version < oldestVersion)
    findings.push({
      severity: 'error',
      check: 'server-version',
      message: `PostgreSQL ${server.versionText} is too old; ${oldestVersion} is the oldest supported version.`,
      fix: 'Upgrade the leader.',
    });
  if (server.walLevel !== 'logical')
    findings.push({
      severity: 'error',
      check: 'wal-level',
      message: `wal_level is ${server.walLevel}; changes can only be decoded at logical.`,
      fix: "ALTER SYSTEM SET wal_level = 'logical'; then restart the leader.",
    });
  if (server.encoding === 'SQL_ASCII')
    findings.push({
      severity: 'warning',
      check: 'encoding',
      message:
        'The database is encoded as SQL_ASCII: its text may hold bytes that are not UTF-8 and are refused.',
      fix: 'Move the data into a database with ENCODING UTF8.',
    });
  if (server.inRecovery)
    findings.push({
      severity: server.version < 16 ? 'error' : 'note',
      check: 'standby',
      message:
        'The server is a standby: publication and triggers must be made on its primary, decoding needs 16 or later.',
    });
  return findings;
}

function roomFindings(facts: LeaderFacts): Finding[] {
  const findings: Finding[] = [];
  if (!facts.slot && facts.slotsUsed >= facts.server.slotsMax)
    findings.push({
      severity: 'error',
      check: 'slots-left',
      message: `All ${facts.server.slotsMax} replication slots are taken.`,
      fix: `ALTER SYSTEM SET max_replication_slots = ${facts.server.slotsMax + 5}; then restart the leader. Or drop slots that nobody uses.`,
    });
  // Making the slot and streaming take one each for a moment.
  const sendersLeft = facts.sendersMax - facts.sendersUsed;
  if (sendersLeft < 2)
    findings.push({
      severity: sendersLeft < 1 ? 'error' : 'warning',
      check: 'senders-left',
      message: `${sendersLeft} of ${facts.sendersMax} WAL senders are left; Millrace needs one, and two while it makes its slot.`,
      fix: `ALTER SYSTEM SET max_wal_senders = ${facts.sendersMax + 5}; then restart the leader.`,
    });
  if (facts.maxSlotWalKeep_mb < 0)
    findings.push({
      severity: 'warning',
      check: 'slot-wal-limit',
      message:
        'max_slot_wal_keep_size is not set: while Millrace stands still, WAL piles up until the leader’s disk is full.',
      fix: "ALTER SYSTEM SET max_slot_wal_keep_size = '100GB'; SELECT pg_reload_conf(); (less than the free disk space; beyond it the slot is lost and tables are read again)",
    });
  return findings;
}

function roleFindings(facts: LeaderFacts, request: PreflightRequest): Finding[] {
  const { server, mayReplicate, mayCreate, publication } = facts;
  const role = quoteIdentifier(server.role);
  const findings: Finding[] = [];
  if (!mayReplicate)
    findings.push({
      severity: 'error',
      check: 'replication-privilege',
      message: `Role ${server.role} may not replicate.`,
      fix: `ALTER ROLE ${role} REPLICATION;`,
    });
  if (!publication && request.publication.create && !mayCreate && foreignTables(facts, request).length === 0)
    findings.push({
      severity: 'error',
      check: 'create-privilege',
      message: `Role ${server.role} may not create the publication.`,
      fix: `GRANT CREATE ON DATABASE ${quoteIdentifier(server.database)} TO ${role};`,
    });
  return findings;
}

/** Tables that we would put into the publication, which only their owner may. */
function foreignTables(
  { publication, tables, unpublished }: LeaderFacts,
  request: PreflightRequest,
): TableFacts[] {
  if (!request.publication.create) return [];
  const added = publication ? unpublished : tables;
  return tables.filter(
    (table) =>
      table.kind !== undefined &&
      !table.owned &&
      added.some(({ schema, name }) => schema === table.schema && name === table.name),
  );
}

function ownerFindings(facts: LeaderFacts, request: PreflightRequest): Finding[] {
  const foreign = foreignTables(facts, request);
  if (foreign.length === 0) return [];
  const { name, tables } = request.publication;
  const names = foreign.map((table) => `${table.schema}.${table.name}`).join(', ');
  return [
    {
      severity: 'error',
      check: 'publication-owner',
      subject: name,
      message: `Role ${facts.server.role} does not own ${names}: it may not publish what it does not own.`,
      fix: `As a superuser or the owner: ${facts.publication ? addStatement(name, facts.unpublished) : createStatement({ name, tables })};`,
    },
  ];
}

function slotFindings({ slot, server }: LeaderFacts, request: PreflightRequest): Finding[] {
  if (!slot) return [];
  const subject = slot.name;
  const trouble = slotTrouble(slot, server.database);
  if (trouble)
    return [
      {
        severity: 'error',
        check: trouble.lost ? 'slot-lost' : 'slot-mismatch',
        subject,
        message: `${trouble.detail}.`,
        fix: trouble.lost
          ? `SELECT pg_drop_replication_slot(${quoteLiteral(request.slot)}); then \`millrace resync --all\`.`
          : 'Name another slot in the configuration.',
      },
    ];
  const findings: Finding[] = [];
  if (slot.walStatus === 'unreserved')
    findings.push({
      severity: 'warning',
      check: 'slot-wal',
      subject,
      message: 'The slot is about to lose WAL that it needs.',
      fix: 'Start Millrace now, or raise max_slot_wal_keep_size.',
    });
  if (slot.activePid !== null)
    findings.push({
      severity: 'note',
      check: 'slot-busy',
      subject,
      message: `The slot is in use (pid ${slot.activePid}).`,
    });
  return findings;
}

function publicationFindings(
  { publication, unpublished }: LeaderFacts,
  request: PreflightRequest,
): Finding[] {
  const { name, create, tables } = request.publication;
  const severity: Severity = create ? 'note' : 'error';
  if (!publication)
    return [
      {
        severity,
        check: 'publication-missing',
        subject: name,
        message: create
          ? 'The publication does not exist yet; Millrace makes it.'
          : 'The publication does not exist.',
        fix: `${createStatement({ name, tables })};`,
      },
    ];
  const findings: Finding[] = [];
  if (unpublished.length > 0) {
    const names = unpublished.map((table) => `${table.schema}.${table.name}`).join(', ');
    findings.push({
      severity,
      check: 'publication-lacks-tables',
      subject: name,
      message: `The publication lacks ${names}${create ? '; Millrace adds them' : ''}.`,
      fix: `${addStatement(name, unpublished)};`,
    });
  }
  if (publication.missingActions.length > 0)
    findings.push({
      severity: 'warning',
      check: 'publication-actions',
      subject: name,
      message: `The publication leaves out ${publication.missingActions.join(', ')}: followers will differ from the leader.`,
      fix: `ALTER PUBLICATION ${quoteIdentifier(name)} SET (publish = 'insert, update, delete, truncate');`,
    });
  return findings;
}

function tableFindings(table: TableFacts, role: string): Finding[] {
  const subject = `${table.schema}.${table.name}`;
  const name = quoteQualified(table.schema, table.name);
  const finding = (check: string, message: string, fix?: string): Finding[] => [
    { severity: 'error', check, subject, message, ...(fix === undefined ? {} : { fix }) },
  ];
  if (table.kind === undefined) return finding('table-missing', 'The table does not exist.');
  if (table.kind !== 'r' && table.kind !== 'p')
    return finding(
      'table-kind',
      'This is no table: views, foreign tables and sequences cannot be replicated.',
    );
  if (table.unlogged)
    return finding(
      'table-unlogged',
      'The table is unlogged: its changes never reach the WAL.',
      `ALTER TABLE ${name} SET LOGGED;`,
    );
  if (!table.readable)
    return finding(
      'table-privilege',
      'The role may not read the table.',
      `GRANT USAGE ON SCHEMA ${quoteIdentifier(table.schema)} TO ${role}; GRANT SELECT ON ${name} TO ${role};`,
    );
  if (table.rowSecurity)
    return finding(
      'table-row-security',
      'Row-level security would hide rows from the snapshot.',
      `ALTER ROLE ${role} BYPASSRLS;`,
    );
  return [];
}

const identityFinding = (schema: string, name: string): Finding => ({
  severity: 'error',
  check: 'table-identity',
  subject: `${schema}.${name}`,
  message:
    'The table has no row identity: the leader itself refuses updates and deletes once it is published.',
  fix: `${identityStatement({ schema, name })} or give it a primary key.`,
});

function publishedFindings({ relation, description }: PublishedTable, facts: LeaderFacts): Finding[] {
  const subject = `${relation.schema}.${relation.name}`;
  const findings: Finding[] = [];
  if (relation.key.length === 0 && relation.identity !== 'full')
    findings.push(identityFinding(relation.schema, relation.name));
  const generated = (description.json.columns ?? [])
    .filter(
      (column) => column.generated !== '' && !relation.columns.some((one) => one.attnum === column.attnum),
    )
    .map((column) => column.name);
  if (generated.length > 0)
    findings.push({
      severity: 'note',
      check: 'table-generated-columns',
      subject,
      message: `Generated columns are not published: ${generated.join(', ')}.`,
      ...(facts.server.version >= 18
        ? { fix: 'ALTER PUBLICATION … SET (publish_generated_columns = stored) publishes the stored ones.' }
        : {}),
    });
  return findings;
}

function schemaFindings({ ddlTrigger, server }: LeaderFacts, request: PreflightRequest): Finding[] {
  if (ddlTrigger === 'current') return [];
  const installs = request.ddlEvents !== 'off' && server.superuser;
  if (installs) return [];
  return [
    {
      severity: request.ddlEvents === 'on' ? 'error' : 'warning',
      check: 'schema-announcements',
      message:
        'Schema changes are not announced by the leader: they are told from its catalogue, and a table whose change cannot be told for certain stops.',
      fix: `As a superuser, once:\n${ddlTriggerSql}`,
    },
  ];
}
