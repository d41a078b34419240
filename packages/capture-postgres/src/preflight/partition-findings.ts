import { quoteQualified } from '@millrace/postgres';
import type { LeaderFacts, StrangerPartition } from './facts.js';
import type { Finding } from './finding.js';

/** Partitions named in one message. */
const named_max = 10;

const identities: Readonly<Record<string, string>> = { d: 'DEFAULT', f: 'FULL', n: 'NOTHING' };

/** What is to be known of tables that are published as one while their rows lie in partitions. */
export function partitionFindings({ published, strangers }: LeaderFacts): Finding[] {
  const roots = published.filter(({ description }) => description.json.kind === 'p');
  return roots.flatMap(({ relation: { schema, name } }) => {
    const subject = `${schema}.${name}`;
    const own = strangers.filter(({ root }) => root.schema === schema && root.name === name);
    return [...(own.length > 0 ? [identitiesDiffer(subject, own)] : []), comesAndGoes(subject)];
  });
}

function identitiesDiffer(subject: string, strangers: readonly StrangerPartition[]): Finding {
  const names = strangers.slice(0, named_max).map(({ partition }) => `${partition.schema}.${partition.name}`);
  const more = strangers.length - names.length;
  return {
    severity: 'warning',
    check: 'partition-identity',
    subject,
    message: `Partitions whose replica identity is not the table’s: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}. The leader sends their old rows as if it were: deletes and updates can be misread, or stop capture.`,
    fix: strangers.map(identityFix).join(' '),
  };
}

function identityFix({ partition, rootIdentity }: StrangerPartition): string {
  const identity = identities[rootIdentity] ?? 'USING INDEX … (the partition’s part of the table’s index)';
  return `ALTER TABLE ${quoteQualified(partition.schema, partition.name)} REPLICA IDENTITY ${identity};`;
}

const comesAndGoes = (subject: string): Finding => ({
  severity: 'note',
  check: 'partition-rows',
  subject,
  message:
    'The publication sends partitions as their root’s: of rows that come or go with a partition (DETACH, DROP or TRUNCATE of one, ATTACH of one with rows) the leader says nothing. Capture notices, and stops (MR-2010), or reads the table again under `leader.on_schema_uncertain: repair`.',
});
