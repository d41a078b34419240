import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@millrace/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobAttempt, JobRunner, JobVerdict, RetryPolicy } from '../port.js';

export interface RunnerSettings {
  readonly retry: RetryPolicy;
  readonly concurrency: number;
  readonly waiting_max: number;
}

/** One queue under test, fresh and empty. */
export interface JobHarness {
  /** Another runner on the same queue, as another process would have one; not started. */
  open(settings: RunnerSettings): Promise<JobRunner>;
  /**
   * For runners that are durable: takes `id` in a process of its own, which gets SIGKILL in the middle of the attempt.
   * Resolves once it is dead.
   */
  dieInTheMiddleOf?(id: string): Promise<void>;
  destroy(): Promise<void>;
}

const retry: RetryPolicy = { backoff: { first_ms: 20, max_ms: 60, factor: 2 }, attempts_max: 4 };
const settings: RunnerSettings = { retry, concurrency: 4, waiting_max: 100 };
/** A killed worker's job is found by another within this time. */
const takeover_ms_max = 20_000;
const done: JobVerdict = { kind: 'done' };
const again: JobVerdict = { kind: 'retry', reason: 'not today' };

/** Registers the tests that every job runner must pass. */
export function describeJobRunnerConformance(name: string, makeHarness: () => Promise<JobHarness>): void {
  describe(`${name} keeps the contract of the job runner`, () => {
    let harness: JobHarness;
    let runners: JobRunner[];
    let attempts: JobAttempt[];
    beforeEach(async () => {
      harness = await makeHarness();
      runners = [];
      attempts = [];
    });
    afterEach(async () => {
      for (const runner of runners) await runner.close(0);
      await harness.destroy();
    });

    const open = async (changed: Partial<RunnerSettings> = {}): Promise<JobRunner> => {
      const runner = await harness.open({ ...settings, ...changed });
      runners.push(runner);
      return runner;
    };
    /** Started with a handler that notes every attempt and answers as told. */
    const started = async (
      answer: (attempt: JobAttempt) => JobVerdict | Promise<JobVerdict> = () => done,
      changed: Partial<RunnerSettings> = {},
    ): Promise<JobRunner> => {
      const runner = await open(changed);
      await runner.start(async (attempt) => {
        attempts.push(attempt);
        return answer(attempt);
      });
      await waitFor(() => runner.status().state === 'ready', { what: 'the runner is ready' });
      return runner;
    };
    const ids = (): string[] => attempts.map(({ id }) => id);
    const ended = (runner: JobRunner, id: string): Promise<unknown> =>
      waitFor(async () => (await runner.enqueue({ id, data: '' })) === 'ended', { what: `${id} has ended` });

    it('runs a job with exactly its data, whatever its id is made of', async () => {
      const runner = await started();
      const strange = [
        '1',
        '0',
        'a:b',
        'a:b:c:d',
        'millrace/prod/shop/ätsch/1/page',
        "x' OR 1=1 --",
        '%3A',
        '{}',
      ];
      for (const id of strange) expect(await runner.enqueue({ id, data: `{"ü":"${id}\\n"}` })).toBe('added');
      await waitFor(() => attempts.length === strange.length, { what: 'all jobs' });
      expect(ids().sort()).toEqual([...strange].sort());
      for (const { id, data, retries, last } of attempts)
        expect({ data, retries, last }).toEqual({ data: `{"ü":"${id}\\n"}`, retries: 0, last: false });
    });

    it('takes a job once, however often it is enqueued: while it waits, while it runs, and after its end', async () => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const runner = await started(async () => {
        await held;
        return done;
      });
      expect(await runner.enqueue({ id: 'later', data: '', delay_ms: 60_000 })).toBe('added');
      expect(await runner.enqueue({ id: 'later', data: 'other' })).toBe('waiting');
      expect(await runner.enqueue({ id: 'now', data: '' })).toBe('added');
      await waitFor(() => attempts.length === 1, { what: 'an attempt' });
      expect(await runner.enqueue({ id: 'now', data: '' })).toBe('waiting');
      release();
      await ended(runner, 'now');
      const other = await open();
      if (runner.durable) expect(await other.enqueue({ id: 'now', data: '' })).toBe('ended');
      expect(ids()).toEqual(['now']);
    });

    it('tries again after growing pauses, counts, and ends with the first success', async () => {
      const at_ms: number[] = [];
      const runner = await started(({ retries }) => {
        at_ms.push(performance.now());
        return retries < 2 ? again : done;
      });
      await runner.enqueue({ id: 'a', data: '' });
      await ended(runner, 'a');
      expect(attempts.map(({ retries }) => retries)).toEqual([0, 1, 2]);
      const [first, second, third] = at_ms as [number, number, number];
      // Pauses of 20 and 40 ms, with jitter at least half of that, less what timers are early.
      expect(second - first).toBeGreaterThanOrEqual(8);
      expect(third - second).toBeGreaterThanOrEqual(17);
    });

    it('gives up after the last attempt, which knows that it is the last, and counts exceptions as retries', async () => {
      const runner = await started(({ retries }) => {
        if (retries === 1) throw new Error('a bug');
        return again;
      });
      await runner.enqueue({ id: 'a', data: '' });
      await ended(runner, 'a');
      expect(attempts.map(({ retries, last }) => [retries, last])).toEqual([
        [0, false],
        [1, false],
        [2, false],
        [3, true],
      ]);
    });

    it('drops a job after a final refusal', async () => {
      const runner = await started(() => ({ kind: 'drop', reason: 'gone' }));
      await runner.enqueue({ id: 'a', data: '' });
      await ended(runner, 'a');
      await sleep(150);
      expect(attempts.length).toBe(1);
    });

    it('looks again at a job whose turn has not come, without counting that as an attempt', async () => {
      let looks = 0;
      const runner = await started(() => {
        looks += 1;
        return looks <= retry.attempts_max + 1 ? { kind: 'later', in_ms: 10 } : done;
      });
      await runner.enqueue({ id: 'a', data: '' });
      await ended(runner, 'a');
      expect(new Set(attempts.map(({ retries }) => retries))).toEqual(new Set([0]));
      expect(attempts.length).toBe(retry.attempts_max + 2);
    });

    it('runs a delayed job not before its time, and others meanwhile', async () => {
      const runner = await started();
      const began_ms = performance.now();
      await runner.enqueue({ id: 'late', data: '', delay_ms: 400 });
      await runner.enqueue({ id: 'soon', data: '' });
      await waitFor(() => attempts.length === 2, { what: 'both' });
      expect(ids()).toEqual(['soon', 'late']);
      expect(performance.now() - began_ms).toBeGreaterThanOrEqual(395);
    });

    it('runs as many jobs at a time as it may, and no more', async () => {
      let running = 0;
      let most = 0;
      const runner = await started(
        async () => {
          running += 1;
          most = Math.max(most, running);
          await sleep(30);
          running -= 1;
          return done;
        },
        { concurrency: 2 },
      );
      for (let job = 0; job < 8; job++) await runner.enqueue({ id: `j${job}`, data: '' });
      await waitFor(() => attempts.length === 8 && running === 0, { what: 'all jobs' });
      expect(most).toBe(2);
    });

    it('promise 7: takes no more jobs than may wait, and takes them again once there is room', async () => {
      const runner = await started(() => done, { waiting_max: 3 });
      for (const id of ['a', 'b', 'c']) await runner.enqueue({ id, data: '', delay_ms: 60_000 });
      await expect(runner.enqueue({ id: 'd', data: '' })).rejects.toMatchObject({ code: 'MR-6006' });
      expect(await runner.cancel('a')).toBe('cancelled');
      expect(await runner.enqueue({ id: 'd', data: '' })).toBe('added');
      await expect(runner.enqueue({ id: 'e', data: 'x'.repeat(70_000) })).rejects.toThrow('promise 7');
    });

    it('takes a waiting job back, and ends the attempt under way of a running one', async () => {
      const runner = await started(async ({ signal }) => {
        await sleep(10_000, undefined, { signal }).catch(() => undefined);
        return again;
      });
      expect(await runner.cancel('nobody')).toBe('unknown');
      await runner.enqueue({ id: 'waits', data: '', delay_ms: 100 });
      expect(await runner.cancel('waits')).toBe('cancelled');
      await runner.enqueue({ id: 'runs', data: '' });
      await waitFor(() => attempts.length === 1, { what: 'an attempt' });
      expect(await runner.cancel('runs')).toBe('ending');
      await ended(runner, 'runs');
      await sleep(200);
      expect(ids()).toEqual(['runs']);
    });

    it('closes within its time although an attempt hangs, aborts that attempt, and takes no more jobs', async () => {
      const runner = await started(async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return again;
      });
      await runner.enqueue({ id: 'hangs', data: '' });
      await waitFor(() => attempts.length === 1, { what: 'an attempt' });
      const began_ms = performance.now();
      await runner.close(50);
      await runner.close(50);
      expect(performance.now() - began_ms).toBeLessThan(2_000);
      expect(attempts[0]?.signal.aborted).toBe(true);
      expect(runner.status().state).toBe('closed');
      await expect(runner.enqueue({ id: 'more', data: '' })).rejects.toMatchObject({ code: 'MR-6003' });
    });

    it('takes jobs before it is started, and a durable one leaves them to the next runner', async () => {
      const producer = await open();
      await producer.enqueue({ id: 'a', data: 'kept' });
      await sleep(50);
      expect(attempts).toEqual([]);
      if (producer.durable) {
        await producer.close(0);
        await started();
      } else {
        await producer.start(async (attempt) => {
          attempts.push(attempt);
          return done;
        });
      }
      await waitFor(() => attempts.length === 1, { what: 'the job' });
      expect(attempts[0]).toMatchObject({ id: 'a', data: 'kept' });
    });

    it('at least once: a job whose worker is killed in the middle of it is run by another', async () => {
      const { dieInTheMiddleOf } = harness;
      if (!dieInTheMiddleOf) {
        // Nothing outlives this kind of runner: it must say so.
        expect((await open()).durable).toBe(false);
        return;
      }
      await dieInTheMiddleOf.call(harness, 'orphan');
      await started();
      await waitFor(() => ids().includes('orphan'), { what: 'the orphan', timeout_ms: takeover_ms_max });
    }, 60_000);
  });
}
