import { setTimeout as sleep } from 'node:timers/promises';
import { bankTables, observePostgres, prepareLeader, runLoad } from '@millrace/oracle';
import { type PgServer, startPostgres, tempFolder, waitFor } from '@millrace/test-support';
import { prepareBarriers, runBarriers, scratchText } from './barriers.js';
import type { Command } from './command.js';
import { Judge } from './judge.js';
import { KafkaBackbone } from './kafka-backbone.js';
import { Pipeline } from './pipeline.js';
import { seeded } from './seeded.js';

const oracleSlot = 'oracle';
const settle_ms = 90_000;
const calm_ms_max = 1_500;
/** Long enough for the others to take a frozen worker for dead; sometimes not. */
const freeze_ms_max = 6_000;

export interface PartitionsOptions {
  /** Of the embedded log; Kafka's topics have three. */
  readonly partitions: number;
  /** How long workers join, leave, freeze and die. */
  readonly strikes_ms: number;
  readonly workers_max: number;
  readonly seed: number;
  readonly clients: number;
  /** On a broker instead of the embedded log. */
  readonly kafka?: boolean;
  readonly report: (line: string) => void;
}

export interface PartitionsResult {
  readonly committed: number;
  readonly barriers: number;
  readonly observations: number;
  readonly strikes: Readonly<Record<Strike, number>>;
  readonly seconds: number;
}

type Strike = 'join' | 'leave' | 'kill' | 'freeze';

/**
 * A PostgreSQL follower in partitioned mode whose workers join, leave, freeze and are killed while the bank works and tables are
 * truncated, reshaped and rekeyed. At every look each account is an instant of its own past and the follower is complete up to
 * the position it names; at the end it equals the leader.
 */
export async function runPartitions(options: PartitionsOptions): Promise<PartitionsResult> {
  const started = performance.now();
  await using leader = await startPostgres({ version: 18 });
  await using replica = await startPostgres({ version: 18 });
  const client = await leader.connect();
  await prepareLeader(client, oracleSlot);
  await prepareBarriers(client);
  await client.end();
  await using kafka = options.kafka ? await KafkaBackbone.start(1) : undefined;
  const stop = new AbortController();
  const fleet = new Fleet(leader, replica, kafka?.yaml ?? embedded(options), options);
  try {
    const load = runLoad({ url: leader.url, clients: options.clients, pause_ms: 10, signal: stop.signal });
    fleet.begin();
    await waitFor(() => fleet.observe(), { what: 'the replica is exact', timeout_ms: settle_ms });
    // Tables are reshaped only now that capture is told of it: before, it could not tell what happened.
    const barriers = runBarriers(leader, stop.signal);
    const until_ms = performance.now() + options.strikes_ms;
    while (performance.now() < until_ms) await fleet.strike();
    await fleet.calm();
    stop.abort();
    const [committed, passed] = await Promise.all([load, barriers]);
    await fleet.untilEqual();
    return {
      committed,
      barriers: passed,
      observations: fleet.judge.observations,
      strikes: fleet.strikes,
      seconds: (performance.now() - started) / 1_000,
    };
  } finally {
    stop.abort();
    await fleet.destroy();
  }
}

const embedded = ({ partitions }: PartitionsOptions): string =>
  `{ embedded: { path: ./log, partitions: ${partitions} } }`;

/** The workers of one follower, and what is done to them. */
class Fleet {
  readonly judge: Judge;
  readonly strikes: Record<Strike, number> = { join: 0, leave: 0, kill: 0, freeze: 0 };
  readonly #leader: PgServer;
  readonly #replica: PgServer;
  readonly #options: PartitionsOptions;
  readonly #pipeline: Pipeline;
  readonly #random: () => number;
  readonly #alive = new Set<Command>();
  readonly #frozen = new Set<Command>();
  readonly #all: Command[] = [];

  constructor(leader: PgServer, replica: PgServer, log: string, options: PartitionsOptions) {
    this.#leader = leader;
    this.#replica = replica;
    this.#options = options;
    this.#random = seeded(options.seed);
    this.judge = new Judge(leader, oracleSlot, 'per key');
    this.#pipeline = new Pipeline({
      folder: tempFolder('millrace-partitions'),
      leaderUrl: leader.url,
      replicaUrl: replica.url,
      tables: [...bankTables, 'public.scratch'],
      log,
      mode: 'partitioned',
    });
  }

  begin(): void {
    this.#pipeline.start('capture');
    this.#join();
  }

  /** One strike, then a look. */
  async strike(): Promise<void> {
    await sleep(this.#random() * calm_ms_max);
    this.#assertRunning();
    const dice = this.#random();
    const one = [...this.#alive][Math.floor(this.#random() * this.#alive.size)];
    if (this.#alive.size < this.#options.workers_max && (dice < 0.4 || this.#alive.size < 2)) this.#join();
    else if (one && dice < 0.6) await this.#leave(one);
    else if (one && dice < 0.8) await this.#kill(one);
    else if (one) this.#freeze(one);
    await this.observe();
  }

  /** Nothing more happens to the workers; those that were frozen wake up. */
  async calm(): Promise<void> {
    for (const worker of this.#frozen) worker.signal('SIGCONT');
    this.#frozen.clear();
    if (this.#alive.size === 0) this.#join();
  }

  /** True when the replica was exact, and what it showed keeps the promise. */
  async observe(): Promise<boolean> {
    this.#assertRunning();
    const client = await this.#replica.connect();
    const observed = await observePostgres(client, 'replica').finally(() => client.end());
    if (observed) await this.judge.judge('replica', observed);
    return observed !== undefined;
  }

  async untilEqual(): Promise<void> {
    await waitFor(async () => (await this.observe()) && (await this.judge.missing('replica')) === 0, {
      what: 'the replica holds every commit',
      timeout_ms: settle_ms,
    });
    const client = await this.#replica.connect();
    const observed = await observePostgres(client, 'replica').finally(() => client.end());
    if (!observed) throw new Error('the replica is exact no more');
    await this.judge.judgeWhole('replica', observed);
    await waitFor(async () => (await scratchText(this.#replica)) === (await scratchText(this.#leader)), {
      what: 'the table of barriers is equal',
      timeout_ms: settle_ms,
    });
  }

  async destroy(): Promise<void> {
    for (const worker of this.#all) if (!worker.exit) worker.signal('SIGCONT');
    await Promise.all(this.#all.map((worker) => (worker.exit ? worker.exit : worker.kill9())));
    await this.#pipeline.destroy();
  }

  #join(): void {
    const worker = this.#pipeline.command('apply', 'replica');
    this.#all.push(worker);
    this.#alive.add(worker);
    this.#told('join', worker);
  }

  async #leave(worker: Command): Promise<void> {
    this.#told('leave', worker);
    this.#alive.delete(worker);
    const { code, signal } = await worker.stop();
    // One that was told before it listens ends by the signal itself.
    if (code !== 143 && signal !== 'SIGTERM')
      throw new Error(`${worker.name} ended with ${code}:\n${worker.output}`);
  }

  async #kill(worker: Command): Promise<void> {
    this.#told('kill', worker);
    this.#alive.delete(worker);
    await worker.kill9();
  }

  /** It wakes up later, or not before the end. */
  #freeze(worker: Command): void {
    this.#told('freeze', worker);
    worker.signal('SIGSTOP');
    this.#frozen.add(worker);
    this.#alive.delete(worker);
    const wake = (): void => {
      if (!this.#frozen.delete(worker)) return;
      worker.signal('SIGCONT');
      this.#alive.add(worker);
    };
    setTimeout(wake, this.#random() * freeze_ms_max).unref();
  }

  #told(strike: Strike, worker: Command): void {
    this.strikes[strike]++;
    this.#options.report(`${strike} ${worker.pid}`);
  }

  #assertRunning(): void {
    this.#pipeline.assertRunning();
    for (const worker of this.#all)
      if (worker.endedByItself)
        throw new Error(`${worker.name} ended with ${JSON.stringify(worker.exit)}:\n${worker.output}`);
  }
}
