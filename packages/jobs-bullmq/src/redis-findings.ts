import type { FaultCode } from '@millrace/runtime';
import { describeRedis, infoField, withRedis } from './redis-server.js';

/** Something about a server that will hurt later. */
export interface JobsFinding {
  readonly code: FaultCode;
  readonly what: string;
  readonly fix: string;
}

/** How a Redis that answers may still forget jobs. Throws MR-6003, MR-6004, MR-6008. */
export async function redisFindings(url: string): Promise<JobsFinding[]> {
  const info = await withRedis(url, (client) => client.info());
  return judgeRedis(info, describeRedis(url));
}

/** Judges what INFO says. */
export function judgeRedis(info: string, where: string): JobsFinding[] {
  const findings: JobsFinding[] = [];
  const policy = infoField(info, 'maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction')
    findings.push({
      code: 'MR-6009',
      what: `${where} may evict jobs when its memory is full (maxmemory-policy ${policy})`,
      fix: 'Set `maxmemory-policy noeviction`.',
    });
  if (infoField(info, 'aof_enabled') === '0')
    findings.push({
      code: 'MR-6009',
      what: `${where} may forget the latest jobs when it crashes (no append-only file)`,
      fix: 'Set `appendonly yes`. Pages that are owed are kept in the log as well, and found at the next start.',
    });
  if (infoField(info, 'role') === 'slave')
    findings.push({
      code: 'MR-6008',
      what: `${where} is a replica and cannot be written`,
      fix: 'Name the primary in `monitor.jobs`.',
    });
  return findings;
}
