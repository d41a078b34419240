import { observePostgres, prepareLeader, runLoad } from '@millrace/oracle';
import { type PgServer, startPostgres, tempFolder, waitFor } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import type { Command } from './command.js';
import { Judge } from './judge.js';
import { Pipeline } from './pipeline.js';

const oracleSlot = 'oracle';
const limit_ms = 120_000;
const arrival_ms = 30_000;
const takeover_ms_max = 5_000;
const cleanTakeover_ms_max = 3_000;
const fencedExit = 75;

/** Who owns the replica's position row, and where it stands. */
async function ownerOf(replica: PgServer): Promise<{ owner: string; end: bigint }> {
  const client = await replica.connect();
  try {
    const { rows } = await client.query<{ owner: string; end: string }>(
      `SELECT encode(owner, 'hex') AS owner, "end"::text FROM millrace.positions`,
    );
    return { owner: rows[0]?.owner ?? '', end: BigInt(rows[0]?.end ?? 0) };
  } finally {
    await client.end();
  }
}

/** Strikes the active applier and measures until another one has moved the position on. */
async function takeover_ms(replica: PgServer, strike: () => unknown): Promise<number> {
  const before = await ownerOf(replica);
  const struck_ms = performance.now();
  const struck = Promise.resolve(strike());
  await waitFor(
    async () => {
      const { owner, end } = await ownerOf(replica);
      return owner !== before.owner && end > before.end;
    },
    { what: 'another applier has taken over and applied', timeout_ms: arrival_ms },
  );
  const took_ms = performance.now() - struck_ms;
  await struck;
  return took_ms;
}

const untilStandby = (command: Command): Promise<unknown> =>
  waitFor(
    () => {
      if (command.exit) throw new Error(`${command.name} ended: ${command.output}`);
      return command.output.includes('standby: worker') && command.output.includes('is active');
    },
    { what: 'an applier stands by, and says so', timeout_ms: arrival_ms },
  );

describe('hot standbys of a follower', () => {
  it(
    'take over within five seconds from one that freezes, dies or stops under load; a frozen one that wakes up says fenced and changes nothing',
    async () => {
      await using leader = await startPostgres({ version: 18 });
      await using replica = await startPostgres({ version: 18 });
      const client = await leader.connect();
      await prepareLeader(client, oracleSlot);
      await client.end();
      const pipeline = new Pipeline({
        folder: tempFolder('millrace-standby'),
        leaderUrl: leader.url,
        replicaUrl: replica.url,
        log: '{ embedded: { path: ./log, partitions: 3 } }',
      });
      const stop = new AbortController();
      const workers: Command[] = [];
      const start = (): Command => {
        const command = pipeline.command('apply', 'replica');
        workers.push(command);
        return command;
      };
      const standby = async (): Promise<Command> => {
        const command = start();
        await untilStandby(command);
        return command;
      };
      const judge = new Judge(leader, oracleSlot);
      const observe = async (): Promise<boolean> => {
        const reader = await replica.connect();
        const observed = await observePostgres(reader, 'replica').finally(() => reader.end());
        if (observed) await judge.judge('replica', observed);
        return observed !== undefined;
      };
      try {
        const load = runLoad({ url: leader.url, clients: 2, pause_ms: 10, signal: stop.signal });
        pipeline.start('capture');
        const first = start();
        await waitFor(observe, { what: 'the replica is exact', timeout_ms: arrival_ms });
        const second = await standby();
        // Comes after the second, and waits behind it.
        const third = start();

        const freeze_ms = await takeover_ms(replica, () => first.signal('SIGSTOP'));
        expect(freeze_ms).toBeLessThan(takeover_ms_max);
        await observe();
        first.signal('SIGCONT');
        expect((await first.exited).code).toBe(fencedExit);
        expect(first.output).toContain('MR-4003');
        expect(first.output.toLowerCase()).toContain('fenced');
        await observe();

        await untilStandby(third);
        const death_ms = await takeover_ms(replica, () => second.kill9());
        expect(death_ms).toBeLessThan(takeover_ms_max);
        await observe();

        const fourth = await standby();
        const handover_ms = await takeover_ms(replica, () => third.stop());
        expect(handover_ms).toBeLessThan(cleanTakeover_ms_max);
        process.stderr.write(
          `takeover: frozen ${freeze_ms.toFixed()} ms, killed ${death_ms.toFixed()} ms, stopped ${handover_ms.toFixed()} ms\n`,
        );
        stop.abort();
        expect(await load).toBeGreaterThan(50);
        await waitFor(async () => (await observe()) && (await judge.missing('replica')) === 0, {
          what: 'the replica holds every commit',
          timeout_ms: arrival_ms,
        });
        expect(fourth.exit).toBeUndefined();
      } finally {
        stop.abort();
        await Promise.all(workers.map((worker) => (worker.exit ? worker.exit : worker.kill9())));
        await pipeline.destroy();
      }
    },
    limit_ms,
  );
});
