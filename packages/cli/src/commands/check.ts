import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PgSession, readServer } from '@millrace/postgres';
import { type Fault, toFault } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { type CommandContext, readConfig } from './context.js';
import type { Finding } from './finding.js';
import { jobsFindings } from './jobs-findings.js';
import { leaderFindings } from './leader-findings.js';
import { isWritable, logFindings } from './log-findings.js';
import { registryFindings } from './registry-findings.js';

/**
 * Tells everything that the pipeline still needs, each with its fix. Exit 1 on errors, with `strict` on warnings too,
 * so that a service manager can run it before the start; a leader that cannot be reached or refuses us ends it at
 * once with that fault's exit code.
 */
export async function check(context: CommandContext, strict: boolean): Promise<number> {
  const loaded = readConfig(context);
  const findings = [
    ...(await leaderFindings(loaded)),
    ...(await logFindings(loaded)),
    ...(await registryFindings(loaded)),
    ...(await followerFindings(loaded)),
    ...(await jobsFindings(loaded)),
  ];
  const { terminal, options } = context;
  if (options.json) terminal.out(JSON.stringify({ findings }));
  else {
    for (const finding of findings) show(context, finding);
    terminal.say(verdict(context, findings));
  }
  const grave = findings.filter(({ severity }) => severity === 'error' || (strict && severity === 'warning'));
  return grave.length === 0 ? 0 : 1;
}

function verdict({ terminal }: CommandContext, findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']): string => {
    const found = findings.filter((finding) => finding.severity === severity).length;
    return `${found} ${severity}${found === 1 ? '' : 's'}`;
  };
  if (findings.length === 0) return `${terminal.style.green('✓')} Nothing found: \`millrace up\` can start.`;
  const go = findings.every(({ severity }) => severity !== 'error');
  return `${count('error')}, ${count('warning')}, ${count('note')}.${go ? ' `millrace up` can start.' : ''}`;
}

function show({ terminal }: CommandContext, finding: Finding): void {
  const { outStyle: style } = terminal;
  const marks = { error: style.red('✗'), warning: style.yellow('!'), note: style.dim('·') };
  terminal.out(`${marks[finding.severity]} ${style.bold(finding.where)} ${finding.code}: ${finding.what}`);
  if (finding.fix !== null) terminal.out(`  Do: ${finding.fix}`);
}

async function followerFindings(loaded: LoadedConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, { postgres, duckdb }] of Object.entries(loaded.config.followers)) {
    if (postgres) findings.push(...(await postgresFindings(name, postgres.url)));
    if (duckdb) {
      const folder = dirname(resolve(loaded.folder, duckdb.path));
      if (!existsSync(folder) || !isWritable(folder))
        findings.push({
          where: name,
          severity: 'error',
          code: 'MR-4001',
          what: `the folder of its file cannot be written: ${folder}`,
          fix: 'Create the folder, or change the follower’s `path`.',
        });
    }
  }
  return findings;
}

async function postgresFindings(name: string, url: string): Promise<Finding[]> {
  const fromFault = ({ code, detail, remedy }: Fault): Finding => ({
    where: name,
    severity: 'error',
    code,
    what: detail,
    fix: remedy,
  });
  try {
    const session = await PgSession.open(url, { role: 'follower' });
    try {
      return await privilegeFindings(name, session);
    } finally {
      await session.close();
    }
  } catch (error) {
    return [fromFault(toFault(error))];
  }
}

async function privilegeFindings(name: string, session: PgSession): Promise<Finding[]> {
  const server = await readServer(session);
  const row = await session.queryOne(
    'asking for privileges',
    `SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create`,
  );
  const findings: Finding[] = [];
  if (row.may_create !== 't')
    findings.push({
      where: name,
      severity: 'error',
      code: 'MR-4002',
      what: `role ${server.role} may not create schemas in database ${server.database}`,
      fix: `GRANT CREATE ON DATABASE ${server.database} TO ${server.role};`,
    });
  if (server.inRecovery)
    findings.push({
      where: name,
      severity: 'error',
      code: 'MR-4001',
      what: 'the server is a standby and cannot be written',
      fix: 'Point the follower at a primary.',
    });
  return findings;
}
