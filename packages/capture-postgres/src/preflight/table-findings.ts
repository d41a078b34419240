import {
  addStatement,
  createStatement,
  identityStatement,
  type PublishedTable,
  quoteIdentifier,
  quoteQualified,
} from '@millrace/postgres';
import type { LeaderFacts, PreflightRequest, TableFacts } from './facts.js';
import type { Finding, Severity } from './finding.js';

/** Tables that we would put into the publication, which only their owner may. */
export function foreignTables(
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

export function ownerFindings(facts: LeaderFacts, request: PreflightRequest): Finding[] {
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

export function publicationFindings(
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

export function tableFindings(table: TableFacts, role: string): Finding[] {
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

export const identityFinding = (schema: string, name: string): Finding => ({
  severity: 'error',
  check: 'table-identity',
  subject: `${schema}.${name}`,
  message:
    'The table has no row identity: the leader itself refuses updates and deletes once it is published.',
  fix: `${identityStatement({ schema, name })} or give it a primary key.`,
});

export function publishedFindings({ relation, description }: PublishedTable, facts: LeaderFacts): Finding[] {
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
