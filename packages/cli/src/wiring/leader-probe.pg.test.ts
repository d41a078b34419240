import { systemClock } from '@millrace/runtime';
import { type PgServer, startPostgres } from '@millrace/test-support';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPostgresProbe } from './leader-probe.js';

let leader: PgServer;
beforeAll(async () => {
  leader = await startPostgres({ version: 18 });
}, 60_000);
afterAll(() => leader.remove());

/** The process that serves the probe. */
async function backendOfProbe(): Promise<number> {
  const client = await leader.connect();
  try {
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'millrace monitor'`,
    );
    return rows[0]?.pid ?? 0;
  } finally {
    await client.end();
  }
}

it('a leader that accepts the question and never answers cannot be measured, and can again once another session answers', async () => {
  const probe = createPostgresProbe(leader.url, 'millrace_none', systemClock);
  try {
    expect((await probe.read()).position).toBeGreaterThan(0n);
    const pid = await backendOfProbe();
    expect(pid).toBeGreaterThan(0);
    process.kill(pid, 'SIGSTOP');
    try {
      await expect(probe.read()).rejects.toMatchObject({ code: 'MR-2001' });
      expect((await probe.read()).position).toBeGreaterThan(0n);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  } finally {
    await probe.close();
  }
}, 30_000);
