import type { JobRunner } from '@millrace/jobs';
import { deliveryRetry } from '@millrace/lag-monitor';
import { parsePostgresUrl } from '@millrace/postgres';
import { Fault, type Logger } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { surroundingsFor } from './pipeline.js';

/** Shared by the monitors of one pipeline in one environment. Names hold no ".". */
const pagesQueue = ({ config }: LoadedConfig): string => `${config.environment}.${config.pipeline}.pages`;

/**
 * What runs the retries of pages; undefined: the monitor itself. Opens no connection. Throws MR-6005 when it would be the
 * leader's database, as far as its address tells; the server itself is asked when it is reached.
 */
export async function openJobs(loaded: LoadedConfig, logger: Logger): Promise<JobRunner | undefined> {
  const { redis, postgres } = loaded.config.monitor.jobs;
  if (!redis && !postgres) return undefined;
  if (postgres) refuseLeader(loaded, postgres.url);
  // Drivers are loaded when they are needed.
  const { BullJobs, postgresServer, redisServer } = await import('@millrace/jobs-bullmq');
  return new BullJobs({
    server: postgres ? postgresServer(postgres.url) : redisServer(redis?.url ?? ''),
    queueName: pagesQueue(loaded),
    retry: deliveryRetry,
    surroundings: surroundingsFor(logger),
  });
}

/** Also before the first capture, when no slot gives the leader's database away yet. */
export function refuseLeader({ config }: LoadedConfig, url: string): void {
  const place = (text: string): string => {
    const { host, port, database, user } = parsePostgresUrl(text);
    return JSON.stringify([host.toLowerCase(), port, database ?? user]);
  };
  if (place(url) === place(config.leader.url))
    throw new Fault('MR-6005', { detail: '`monitor.jobs.postgres` names the database of the leader' });
}
