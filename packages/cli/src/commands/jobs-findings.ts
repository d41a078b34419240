import { PgSession } from '@millrace/postgres';
import { toFault } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { refuseLeader } from '../wiring/jobs.js';
import type { Finding } from './finding.js';

/**
 * Whether what runs the retries of pages answers, and keeps what it is given. Only jobs in the leader's database are an
 * error: without the server, pages are delivered and retried by the monitor itself.
 */
export async function jobsFindings(loaded: LoadedConfig): Promise<Finding[]> {
  const { redis, postgres } = loaded.config.monitor.jobs;
  try {
    if (redis) return await onRedis(redis.url);
    if (postgres) return await onPostgres(loaded, postgres.url);
    return [];
  } catch (error) {
    const { code, detail, remedy } = toFault(error);
    return [finding(code === 'MR-6005' ? 'error' : 'warning', code, detail, remedy)];
  }
}

const finding = (severity: Finding['severity'], code: string, what: string, fix: string): Finding => ({
  where: 'monitor.jobs',
  severity,
  code,
  what,
  fix,
});

async function onRedis(url: string): Promise<Finding[]> {
  const { redisFindings, redisServer } = await import('@millrace/jobs-bullmq');
  await redisServer(url).prepare();
  return (await redisFindings(url)).map(({ code, what, fix }) => finding('warning', code, what, fix));
}

async function onPostgres(loaded: LoadedConfig, url: string): Promise<Finding[]> {
  refuseLeader(loaded, url);
  const { postgresServer } = await import('@millrace/jobs-bullmq');
  await postgresServer(url).prepare();
  const jobs = await identityOf(url, 'follower');
  const leader = await identityOf(loaded.config.leader.url, 'leader').catch(() => undefined);
  if (jobs.system !== leader?.system) return mayMake(jobs);
  if (jobs.database === leader.database)
    return [
      finding(
        'error',
        'MR-6005',
        `database ${jobs.database} is the leader’s, under another address`,
        'Give `monitor.jobs` another database, best on another server.',
      ),
    ];
  return [
    ...mayMake(jobs),
    finding(
      'warning',
      'MR-6005',
      `database ${jobs.database} is on the leader’s server: what jobs write there counts as WAL that followers lack`,
      'Better use another server.',
    ),
  ];
}

interface Identity {
  readonly system: string;
  readonly database: string;
  readonly role: string;
  readonly may_make: string;
}

function mayMake({ database, role, may_make }: Identity): Finding[] {
  if (may_make === 't') return [];
  const fix = `GRANT CREATE ON DATABASE ${database} TO ${role};`;
  return [finding('warning', 'MR-6004', `role ${role} may not make the schema bullmq in ${database}`, fix)];
}

async function identityOf(url: string, role: 'leader' | 'follower'): Promise<Identity> {
  const session = await PgSession.open(url, { role });
  try {
    const row = await session.queryOne(
      'asking which server this is',
      `SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system,
              pg_catalog.current_database() AS database, current_user AS role,
              pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
                OR pg_catalog.to_regnamespace('bullmq') IS NOT NULL AS may_make`,
    );
    const { system, database, may_make } = row;
    return {
      system: system ?? '',
      database: database ?? '',
      role: row.role ?? '',
      may_make: may_make ?? '',
    };
  } finally {
    await session.close();
  }
}
