import { oldestVersion, quoteIdentifier, quoteLiteral, slotTrouble } from '@millrace/postgres';
import { ddlTriggerSql } from '../schema/ddl-trigger.js';
import type { LeaderFacts, PreflightRequest } from './facts.js';
import type { Finding } from './finding.js';
import { foreignTables } from './table-findings.js';

export function serverFindings({ server }: LeaderFacts): Finding[] {
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

export function roomFindings(facts: LeaderFacts): Finding[] {
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

export function roleFindings(facts: LeaderFacts, request: PreflightRequest): Finding[] {
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

export function slotFindings({ slot, server }: LeaderFacts, request: PreflightRequest): Finding[] {
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

export function schemaFindings({ ddlTrigger, server }: LeaderFacts, request: PreflightRequest): Finding[] {
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
