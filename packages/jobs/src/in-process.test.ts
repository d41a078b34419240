import { silentLogger, systemClock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { describeJobRunnerConformance, type RunnerSettings } from './conformance.js';
import { EndedIds } from './ended-ids.js';
import { InProcessJobs } from './in-process.js';
import { type JobStore, type KeyedTable, type StoredJob, tableJobStore } from './job-store.js';
import { remembered_max, rememberedFor_ms } from './port.js';

const surroundings = { clock: systemClock, logger: silentLogger, random: () => 0 };

function memoryTable(): KeyedTable & { readonly rows: Map<string, Uint8Array> } {
  const rows = new Map<string, Uint8Array>();
  return {
    rows,
    entries: async () => [...rows],
    put: async (key, value) => {
      rows.set(key, value);
    },
    delete: async (key) => {
      rows.delete(key);
    },
  };
}

describeJobRunnerConformance('the in-process runner', async () => ({
  open: async (settings) => new InProcessJobs({ surroundings, ...settings }),
  destroy: async () => {},
}));

describeJobRunnerConformance('the in-process runner with a table', async () => {
  const table = memoryTable();
  const open = async (settings: RunnerSettings) =>
    new InProcessJobs({ surroundings, store: tableJobStore(table), ...settings });
  return {
    open,
    /** What a killed process leaves is what its table held in the middle of the attempt. */
    async dieInTheMiddleOf(id) {
      const settings = {
        retry: { backoff: { first_ms: 1, max_ms: 1, factor: 1 }, attempts_max: 9 },
        concurrency: 1,
        waiting_max: 9,
      };
      const victim = await open(settings);
      const left = await new Promise<Map<string, Uint8Array>>((resolve) => {
        void victim
          .start(async () => {
            resolve(new Map(table.rows));
            return { kind: 'done' };
          })
          .then(() => victim.enqueue({ id, data: '' }));
      });
      await victim.close(1_000);
      table.rows.clear();
      for (const [key, value] of left) table.rows.set(key, value);
    },
    destroy: async () => {},
  };
});

it('forgets ended ids when they are too many or too old, never keeps them for ever', () => {
  const ids = new EndedIds();
  for (let id = 0; id <= remembered_max; id++) ids.add(String(id), id);
  expect([ids.has('0', remembered_max), ids.has('1', remembered_max)]).toEqual([false, true]);
  expect(ids.has('1', rememberedFor_ms + 2)).toBe(false);
  expect(ids.add('new', 2 * rememberedFor_ms)).toHaveLength(remembered_max);
});

it('runs on when its store cannot be written, and refuses what it cannot keep', async () => {
  const broken: JobStore = {
    load: async () => [],
    put: async (job: StoredJob) => {
      if (job.retries > 0 || job.id === 'full') throw new Error('ENOSPC');
    },
    delete: async () => {},
  };
  const retry = { backoff: { first_ms: 1, max_ms: 1, factor: 1 }, attempts_max: 3 };
  const runner = new InProcessJobs({ surroundings, store: broken, retry });
  const tried: number[] = [];
  const ended = new Promise<void>((resolve) => {
    void runner.start(async ({ retries }) => {
      tried.push(retries);
      if (retries === 2) resolve();
      return { kind: 'retry', reason: 'no' };
    });
  });
  await expect(runner.enqueue({ id: 'full', data: '' })).rejects.toThrow('ENOSPC');
  await runner.enqueue({ id: 'a', data: '' });
  await ended;
  expect(tried).toEqual([0, 1, 2]);
  await runner.close(100);
});

it('reads past a damaged job, and removes it', async () => {
  const table = memoryTable();
  table.rows.set('bad', Buffer.from('{"data":'));
  table.rows.set('good', Buffer.from('{"data":"x","retries":1,"due_ms":0}'));
  expect(await tableJobStore(table).load()).toEqual([{ id: 'good', data: 'x', retries: 1, due_ms: 0 }]);
  expect([...table.rows.keys()]).toEqual(['good']);
});
