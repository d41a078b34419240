import { type FaultEntry, faultCatalogue } from '@millrace/runtime';
import { policyWords } from './policy-words.js';

const groups: readonly (readonly [string, string])[] = [
  ['1', 'Command and configuration'],
  ['2', 'Leader and capture'],
  ['3', 'Log'],
  ['4', 'Follower and applier'],
  ['5', 'Values and codec'],
  ['6', 'Monitor'],
  ['7', 'Local servers'],
  ['9', 'Ours'],
];

/** docs/faults.md, from the catalogue alone: `millrace explain all` prints it. */
export function faultsPage(): string {
  const entries = Object.entries<FaultEntry>(faultCatalogue);
  const sections = groups.map(([digit, title]) => {
    const rows = entries.filter(([code]) => code.startsWith(`MR-${digit}`)).map(faultSection);
    return [`## ${title}`, ...rows].join('\n\n');
  });
  const policies = Object.entries(policyWords).map(([policy, words]) => `- **${policy}**: ${words}`);
  return `${[
    '# Faults',
    'Every error has a stable code. `millrace explain MR-2006` shows the same offline. This page is generated: `millrace explain all > docs/faults.md`.',
    'What a service does about a fault:',
    policies.join('\n'),
    'Exit codes follow sysexits: 0 done, 1 a finding, 64 usage, 65 bad data, 69 a server is unavailable, 70 our bug, 75 try again, 77 permission, 78 configuration, 130 and 143 signals.',
    ...sections,
  ].join('\n\n')}\n`;
}

const faultSection = ([code, { name, cause, remedy, policy, exit }]: [string, FaultEntry]): string =>
  `### ${code} ${name}\n\n${cause}\n\n**Do:** ${remedy}\n\nPolicy ${policy}, exit code ${exit}.`;
