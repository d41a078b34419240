import { PgSession } from '@millrace/postgres';
import type { PostgresSourceOptions } from '../postgres-source.js';
import { gatherFacts } from './facts.js';
import type { Finding } from './finding.js';
import { judge } from './findings.js';

/**
 * Looks at a leader with the configuration of a source and lists what would stop replication or hurt it later, each with
 * its fix; an empty list is a clean bill. Reads only. Throws MR-2001 or MR-2002 when the leader cannot be asked.
 */
export async function preflight(
  options: Pick<PostgresSourceOptions, 'url' | 'slot' | 'publication' | 'ddlEvents'>,
): Promise<Finding[]> {
  const session = await PgSession.open(options.url, { role: 'leader', applicationName: 'millrace check' });
  try {
    const request = { ...options, ddlEvents: options.ddlEvents ?? 'auto' };
    return judge(await gatherFacts(session, request), request);
  } finally {
    await session.close();
  }
}
