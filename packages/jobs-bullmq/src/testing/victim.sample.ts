import { silentLogger, systemClock } from '@millrace/runtime';
import { BullJobs } from '../bull-jobs.js';
import { postgresServer } from '../postgres-server.js';
import { redisServer } from '../redis-server.js';

/** A worker of its own process that says when it is in the middle of a job, and never ends it. */
const [url, queueName, id, lock_ms] = process.argv.slice(2) as [string, string, string, string];
const runner = new BullJobs({
  server: url.startsWith('redis') ? redisServer(url) : postgresServer(url),
  queueName,
  lock_ms: Number(lock_ms),
  retry: { backoff: { first_ms: 20, max_ms: 20, factor: 1 }, attempts_max: 4 },
  surroundings: { clock: systemClock, logger: silentLogger, random: () => 0 },
});
await runner.start(async () => {
  process.stdout.write('in the middle\n');
  return new Promise(() => undefined);
});
await runner.enqueue({ id, data: '' });
