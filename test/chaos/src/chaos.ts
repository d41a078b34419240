import { setTimeout as sleep } from 'node:timers/promises';
import { observeDuckDb, observePostgres, prepareLeader, runLoad } from '@millrace/oracle';
import {
  type PgServer,
  type PostgresVersion,
  startPostgres,
  tempFolder,
  waitFor,
} from '@millrace/test-support';
import { Judge } from './judge.js';
import { isKafkaTrouble, KafkaBackbone, type KafkaTrouble, kafkaTroubles } from './kafka-backbone.js';
import { type Part, Pipeline, parts } from './pipeline.js';
import { seeded } from './seeded.js';

const oracleSlot = 'oracle';
const settle_ms = 120_000;
/** After healing. */
const recovery_ms_max = 60_000;
/** First run of the lake's applier between two looks; each next one is twice as long. */
const lakeRun_ms = 3_000;
/** Room for the work between two kills: sometimes none, sometimes enough to catch up. */
const calm_ms_max = 2_500;

const always = [...parts, 'leader', 'replica-server'] as const;
export type Victim = (typeof always)[number] | KafkaTrouble;

/** Who is struck: on Kafka the brokers, too. */
export const victimsOf = ({ kafka }: Pick<ChaosOptions, 'kafka'>): readonly Victim[] =>
  kafka ? [...always, ...kafkaTroubles] : always;

export interface ChaosOptions {
  readonly version: PostgresVersion;
  /** SIGKILLs per victim. */
  readonly kills: number;
  readonly seed: number;
  readonly clients: number;
  readonly pause_ms: number;
  /** On brokers instead of the embedded log. */
  readonly kafka?: {
    readonly nodes: 1 | 3;
    /** How long too few replicas are in sync, at the end; with three nodes only. */
    readonly outage_ms?: number;
  };
  readonly report: (line: string) => void;
}

export interface ChaosResult {
  readonly committed: number;
  readonly kills: number;
  /** Consistent reads of followers that were held against the leader's commit order. */
  readonly observations: number;
  readonly seconds: number;
  /** From the end of the brokers' outage until the replica held every commit made until then. */
  readonly recovery_s?: number;
}

/**
 * Ledger and bank under load; capture, both appliers, the leader and the follower's server are killed with SIGKILL in random order,
 * `kills` times each. After every kill, and at the end, each follower must equal the prefix that its position names.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const started = performance.now();
  await using leader = await serverOf(options.version);
  await using replica = await serverOf(options.version);
  const client = await leader.connect();
  await prepareLeader(client, oracleSlot);
  await client.end();
  await using backbone = options.kafka ? await KafkaBackbone.start(options.kafka.nodes) : undefined;
  const pipeline = new Pipeline({
    folder: tempFolder('millrace-chaos'),
    leaderUrl: leader.url,
    replicaUrl: replica.url,
    ...(backbone && { log: backbone.yaml }),
  });
  const stop = new AbortController();
  try {
    const load = runLoad({
      url: leader.url,
      clients: options.clients,
      pause_ms: options.pause_ms,
      signal: stop.signal,
    });
    const run = new ChaosRun({ leader, replica, pipeline, backbone }, options);
    for (const part of parts) pipeline.start(part);
    await run.untilExact();
    for (const victim of run.order()) await run.strike(victim);
    const recovery_s = await run.outage();
    stop.abort();
    const committed = await load;
    await run.untilCaughtUp();
    await pipeline.stop();
    return {
      committed,
      kills: options.kills * victimsOf(options).length,
      observations: run.judge.observations,
      seconds: (performance.now() - started) / 1000,
      ...(recovery_s !== undefined && { recovery_s }),
    };
  } finally {
    stop.abort();
    await pipeline.destroy();
  }
}

function serverOf(version: PostgresVersion): Promise<PgServer> {
  return startPostgres({ version, conf: { wal_sender_timeout: '10s' } });
}

interface ChaosScene {
  readonly leader: PgServer;
  readonly replica: PgServer;
  readonly pipeline: Pipeline;
  readonly backbone: KafkaBackbone | undefined;
}

class ChaosRun {
  readonly judge: Judge;
  readonly #replica: PgServer;
  readonly #leader: PgServer;
  readonly #pipeline: Pipeline;
  readonly #backbone: KafkaBackbone | undefined;
  readonly #options: ChaosOptions;
  readonly #random: () => number;

  constructor({ leader, replica, pipeline, backbone }: ChaosScene, options: ChaosOptions) {
    this.#leader = leader;
    this.#replica = replica;
    this.#pipeline = pipeline;
    this.#backbone = backbone;
    this.#options = options;
    this.#random = seeded(options.seed);
    this.judge = new Judge(leader, oracleSlot);
  }

  /** Every victim `kills` times, shuffled. */
  order(): Victim[] {
    const victims = victimsOf(this.#options);
    const list = victims.flatMap((victim) => Array<Victim>(this.#options.kills).fill(victim));
    for (let i = list.length - 1; i > 0; i--) {
      const j = Math.floor(this.#random() * (i + 1));
      [list[i], list[j]] = [list[j] as Victim, list[i] as Victim];
    }
    return list;
  }

  async untilExact(): Promise<void> {
    await waitFor(() => this.observeReplica(), { what: 'the replica is exact', timeout_ms: settle_ms });
  }

  async strike(victim: Victim): Promise<void> {
    await sleep(this.#random() * calm_ms_max);
    this.#pipeline.assertRunning();
    this.#options.report(`strike ${victim}`);
    if (victim === 'leader') await crash(this.#leader);
    else if (victim === 'replica-server') await crash(this.#replica);
    else if (isKafkaTrouble(victim)) await this.#backbone?.strike(victim, this.#random);
    else await this.#killPart(victim);
    await this.observeReplica();
  }

  /** Too few replicas in sync for a while: nothing is acknowledged, and everything is there again soon after. */
  async outage(): Promise<number | undefined> {
    const { kafka, report } = this.#options;
    if (!this.#backbone || !kafka?.outage_ms) return undefined;
    report(`too few replicas in sync for ${kafka.outage_ms} ms`);
    await this.#backbone.outage(kafka.outage_ms);
    const healed = performance.now();
    const owed = await this.judge.newest();
    await waitFor(async () => (await this.observeReplica()) && this.judge.holds('replica', owed), {
      what: 'the replica holds what was committed while too few replicas were in sync',
      timeout_ms: recovery_ms_max,
    });
    return (performance.now() - healed) / 1000;
  }

  async #killPart(part: Part): Promise<void> {
    await this.#pipeline.part(part).kill9();
    if (part === 'lake') await this.#observeLake();
    this.#pipeline.start(part);
  }

  /** True when the replica was exact and its state right. */
  async observeReplica(): Promise<boolean> {
    this.#pipeline.assertRunning();
    const client = await this.#replica.connect();
    const observed = await observePostgres(client, 'replica').finally(() => client.end());
    if (observed) await this.judge.judge('replica', observed);
    return observed !== undefined;
  }

  async #observeLake(): Promise<boolean> {
    const observed = await observeDuckDb(this.#pipeline.lakePath, 'lake');
    if (observed) await this.judge.judge('lake', observed);
    return observed !== undefined;
  }

  /** Both followers reach the leader's last commit; the lake is looked at between runs of its applier. */
  async untilCaughtUp(): Promise<void> {
    await waitFor(async () => (await this.observeReplica()) && (await this.judge.missing('replica')) === 0, {
      what: 'the replica holds every commit',
      timeout_ms: settle_ms,
    });
    let run_ms = lakeRun_ms;
    await waitFor(
      async () => {
        await sleep(run_ms);
        run_ms *= 2;
        this.#pipeline.assertRunning();
        await this.#pipeline.part('lake').stop();
        if ((await this.#observeLake()) && (await this.judge.missing('lake')) === 0) return true;
        this.#pipeline.start('lake');
        return false;
      },
      { what: 'the lake holds every commit', timeout_ms: settle_ms },
    );
  }
}

async function crash(server: PgServer): Promise<void> {
  await server.kill9();
  await server.start();
}
