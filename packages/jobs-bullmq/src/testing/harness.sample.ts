import { once } from 'node:events';
import type { JobRunner } from '@millrace/jobs';
import type { JobHarness, RunnerSettings } from '@millrace/jobs/conformance';
import { silentLogger, systemClock } from '@millrace/runtime';
import { spawnScript } from '@millrace/test-support';
import { BullJobs } from '../bull-jobs.js';
import type { BullServer } from '../bull-server.js';

/** So that tests need not wait long for the jobs of the dead. */
export const lock_ms = 1_000;
const victim = new URL('./victim.sample.ts', import.meta.url);

let queues = 0;
export const freshQueue = (): string => `test-${process.pid}-${queues++}`;

/** A fresh queue on a server that is there already. */
export function bullHarness(server: BullServer, url: string): JobHarness {
  const queueName = freshQueue();
  return {
    open: async (settings: RunnerSettings): Promise<JobRunner> =>
      new BullJobs({
        server,
        queueName,
        lock_ms,
        surroundings: { clock: systemClock, logger: silentLogger, random: () => 0 },
        ...settings,
      }),
    async dieInTheMiddleOf(id) {
      const child = spawnScript(victim, [url, queueName, id, String(lock_ms)]);
      if (child.stdout) await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async destroy() {},
  };
}
