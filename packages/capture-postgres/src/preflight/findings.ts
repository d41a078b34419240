import { quoteIdentifier } from '@millrace/postgres';
import type { LeaderFacts, PreflightRequest } from './facts.js';
import type { Finding, Severity } from './finding.js';
import { partitionFindings } from './partition-findings.js';
import {
  roleFindings,
  roomFindings,
  schemaFindings,
  serverFindings,
  slotFindings,
} from './server-findings.js';
import {
  identityFinding,
  ownerFindings,
  publicationFindings,
  publishedFindings,
  tableFindings,
} from './table-findings.js';

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
    ...partitionFindings(facts),
    ...schemaFindings(facts, request),
  ];
  const rank: Record<Severity, number> = { error: 0, warning: 1, note: 2 };
  return findings.sort((a, b) => rank[a.severity] - rank[b.severity]);
}
