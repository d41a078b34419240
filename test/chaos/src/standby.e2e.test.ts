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

/** A leader under load, a replica, and the appliers that stand before it. */
class Standbys implements AsyncDisposable {
  readonly replica: PgServer;
  readonly #leader: PgServer;
  readonly #pipeline: Pipeline;
  readonly #judge: Judge;
  readonly #workers: Command[] = [];
  readonly #stop = new AbortController();
  #load: Promise<number> | undefined;

  private constructor(leader: PgServer, replica: PgServer) {
    this.#leader = leader;
    this.replica = replica;
    this.#judge = new Judge(leader, oracleSlot);
    this.#pipeline = new Pipeline({
      folder: tempFolder('millrace-standby'),
      leaderUrl: leader.url,
      replicaUrl: replica.url,
      log: '{ embedded: { path: ./log, partitions: 3 } }',
    });
  }

  /** With its load and its capture, and no applier yet. */
  static async open(): Promise<Standbys> {
    const [leader, replica] = await Promise.all([
      startPostgres({ version: 18 }),
      startPostgres({ version: 18 }),
    ]);
    const client = await leader.connect();
    await prepareLeader(client, oracleSlot);
    await client.end();
    const standbys = new Standbys(leader, replica);
    standbys.#load = runLoad({ url: leader.url, clients: 2, pause_ms: 10, signal: standbys.#stop.signal });
    standbys.#pipeline.start('capture');
    return standbys;
  }

  start(): Command {
    const command = this.#pipeline.command('apply', 'replica');
    this.#workers.push(command);
    return command;
  }

  /** Judges what the replica holds now; false while it holds nothing that is exact yet. */
  async observe(): Promise<boolean> {
    const reader = await this.replica.connect();
    const observed = await observePostgres(reader, 'replica').finally(() => reader.end());
    if (observed) await this.#judge.judge('replica', observed);
    return observed !== undefined;
  }

  /** Ends the load and waits until the replica holds all of it; how many transactions that were. */
  async settle(): Promise<number> {
    this.#stop.abort();
    const transactions = (await this.#load) ?? 0;
    await waitFor(async () => (await this.observe()) && (await this.#judge.missing('replica')) === 0, {
      what: 'the replica holds every commit',
      timeout_ms: arrival_ms,
    });
    return transactions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#workers.map((worker) => (worker.exit ? worker.exit : worker.kill9())));
    await this.#pipeline.destroy();
    await this.#leader[Symbol.asyncDispose]();
    await this.replica[Symbol.asyncDispose]();
  }
}

describe('hot standbys of a follower', () => {
  it(
    'take over within five seconds from one that freezes, dies or stops under load; a frozen one that wakes up says fenced and changes nothing',
    async () => {
      await using standbys = await Standbys.open();
      const { replica } = standbys;
      const first = standbys.start();
      await waitFor(() => standbys.observe(), { what: 'the replica is exact', timeout_ms: arrival_ms });
      const second = standbys.start();
      await untilStandby(second);
      // Comes after the second, and waits behind it.
      const third = standbys.start();

      const freeze_ms = await takeover_ms(replica, () => first.signal('SIGSTOP'));
      expect(freeze_ms).toBeLessThan(takeover_ms_max);
      await standbys.observe();
      first.signal('SIGCONT');
      expect((await first.exited).code).toBe(fencedExit);
      expect(first.output).toContain('MR-4003');
      expect(first.output.toLowerCase()).toContain('fenced');
      await standbys.observe();

      await untilStandby(third);
      const death_ms = await takeover_ms(replica, () => second.kill9());
      expect(death_ms).toBeLessThan(takeover_ms_max);
      await standbys.observe();

      const fourth = standbys.start();
      await untilStandby(fourth);
      const handover_ms = await takeover_ms(replica, () => third.stop());
      expect(handover_ms).toBeLessThan(cleanTakeover_ms_max);
      process.stderr.write(
        `takeover: frozen ${freeze_ms.toFixed()} ms, killed ${death_ms.toFixed()} ms, stopped ${handover_ms.toFixed()} ms\n`,
      );
      expect(await standbys.settle()).toBeGreaterThan(50);
      expect(fourth.exit).toBeUndefined();
    },
    limit_ms,
  );
});
