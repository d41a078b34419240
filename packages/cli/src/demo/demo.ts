import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EdgeStatus } from '@millrace/lag-monitor';
import type { PgServer } from '@millrace/local-postgres';
import { formatLsn, type Lsn, parsePosition } from '@millrace/model';
import { PgSession, readWalPosition } from '@millrace/postgres';
import { Fault, systemClock } from '@millrace/runtime';
import { formatCount } from '../terminal/progress.js';
import type { Terminal } from '../terminal/terminal.js';
import { BankWatch } from './bank-watch.js';
import { Comparison } from './compare.js';
import { makeDemoFolder } from './demo-folder.js';
import { DemoServers } from './demo-servers.js';
import { Figures } from './figures.js';
import { LiveLoad } from './live-load.js';
import { type DemoResult, tellOutcome } from './outcome.js';
import { PageReceiver } from './page-receiver.js';
import { PipelineProcesses } from './pipeline-processes.js';
import { schemaSql, seedSql, tables } from './shop.js';

export interface DemoOptions {
  readonly rows: number;
  readonly seconds: number;
  /** Through a Kafka broker of its own instead of the embedded log. */
  readonly kafka: boolean;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

const poll_ms = 500;
/** After the load has ended: the slowest machine we know needs a tenth of this. */
const drain_ms_max = 60_000;
const firstStatus_ms_max = 30_000;
/** Clearing takes five seconds; then the resolve is on its way. */
const resolve_ms_max = 10_000;
/** How long the killed applier stays dead: long enough for its lag to pass the budget. */
const dead_ms = 4_000;

/** The whole demo. Everything it starts ends with it, also when it is interrupted or killed. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const folder = makeDemoFolder();
  const demo = new Demo(options, folder);
  try {
    return await demo.run();
  } finally {
    await demo.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Demo {
  readonly #options: DemoOptions;
  readonly #folder: string;
  readonly #figures: Figures;
  readonly #servers = new DemoServers();
  readonly #began_ms = systemClock.monotonic();
  #receiver: PageReceiver | undefined;
  #processes: PipelineProcesses | undefined;
  #load: LiveLoad | undefined;
  #bank: BankWatch | undefined;

  constructor(options: DemoOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#figures = new Figures(options.terminal);
  }

  async run(): Promise<DemoResult> {
    const { kafka } = this.#options;
    this.#say(
      `Starting two PostgreSQL 18 servers of our own (a leader, and a follower)${kafka ? ' and a Kafka broker' : ''} …`,
    );
    const { leader, replica } = await this.#servers.start(kafka);
    await this.#seed(leader);
    const { style } = this.#options.terminal;
    this.#receiver = await PageReceiver.start((kind, title) =>
      this.#say(kind === 'page' ? style.yellow(`PAGED: ${title}`) : style.green(`RESOLVED: ${title}`)),
    );
    this.#processes = new PipelineProcesses({
      folder: this.#folder,
      leaderUrl: leader.url,
      replicaUrl: replica.url,
      pagerUrl: this.#receiver.url,
      ...(this.#servers.brokers && { brokers: this.#servers.brokers }),
    });
    this.#say('Starting capture, two appliers and the monitor as processes of their own, and the live load.');
    this.#processes.start();
    this.#load = new LiveLoad(leader.url, this.#options.rows);
    await this.#load.start();
    this.#bank = new BankWatch(replica.url);
    await this.#firstStatus();
    await this.#play();
    return await this.#judge(leader, replica);
  }

  async close(): Promise<void> {
    this.#figures.clear();
    await Promise.allSettled([
      this.#load?.stop(),
      this.#bank?.close(),
      this.#processes?.stop(),
      this.#receiver?.close(),
    ]);
    await this.#servers.remove();
  }

  async #seed(leader: PgServer): Promise<void> {
    this.#stopIfAborted();
    const session = await PgSession.open(leader.url, { role: 'leader' });
    try {
      await session.query('making the shop', schemaSql);
      for (const statement of seedSql(this.#options.rows)) await session.query('filling the shop', statement);
    } finally {
      await session.close();
    }
    this.#say(
      `The leader's shop holds about ${formatCount(this.#options.rows)} rows in ${tables.length} tables.`,
    );
  }

  /** The story: snapshot under load, a schema change and a truncate half-way, two processes killed. */
  async #play(): Promise<void> {
    const { processes, load } = this.#parts();
    const { seconds, terminal } = this.#options;
    const { style } = terminal;
    await this.#watchFor(seconds * 350);
    this.#say(
      'Half-way: ALTER TABLE customers ADD COLUMN loyalty … DEFAULT 7, and TRUNCATE carts, under load.',
    );
    await load.halfway();
    await this.#watchFor(seconds * 150);
    this.#say(style.red(`kill -9 ${processes.capture.pid} (capture), and start it again.`));
    await processes.capture.kill9();
    processes.capture.start();
    await this.#watchFor(seconds * 250);
    await this.#killBroker();
    this.#say(
      style.red(
        `kill -9 ${processes.replica.pid} (applier of replica), and leave it dead for ${dead_ms / 1_000} s.`,
      ),
    );
    await processes.replica.kill9();
    await this.#watchFor(dead_ms);
    this.#say('Starting the applier of replica again.');
    processes.replica.start();
    await this.#watchFor(seconds * 250);
  }

  async #killBroker(): Promise<void> {
    const broker = this.#servers.broker;
    if (!broker) return;
    this.#say(
      this.#options.terminal.style.red(`kill -9 ${broker.pid} (the Kafka broker), and start it again.`),
    );
    await broker.kill9();
    await broker.start();
  }

  async #judge(leader: PgServer, replica: PgServer): Promise<DemoResult> {
    const { processes, load, bank } = this.#parts();
    await load.stop();
    const session = await PgSession.open(leader.url, { role: 'leader' });
    const end = await readWalPosition(session).finally(() => session.close());
    this.#say(
      `The load has ended after ${formatCount(load.transactions)} transactions. Waiting until both copies have all of it …`,
    );
    const drained_ms = await this.#drain(end);
    await this.#resolved();
    await bank.close();
    this.#figures.clear();
    await processes.stop();
    this.#say('Comparing every row of the leader with both copies (each server dumps its own tables) …');
    const comparison = new Comparison(leader.url);
    const results = {
      'PostgreSQL follower': await comparison.withPostgres(replica.url, tables),
      'DuckDB follower': await comparison.withDuckDb(join(this.#folder, 'lake.duckdb'), tables),
    };
    const { pages = 0, resolves = 0 } = this.#receiver ?? {};
    return tellOutcome(this.#options.terminal, {
      results,
      bank,
      transactions: load.transactions,
      kills: this.#servers.broker ? 'three' : 'two',
      peaks: this.#figures.peaks,
      drained_ms,
      pages,
      resolves,
      took_ms: systemClock.monotonic() - this.#began_ms,
    });
  }

  /** Waits until every follower's position is at or past `end`, and gives how long that took. */
  async #drain(end: Lsn): Promise<number> {
    const began_ms = systemClock.monotonic();
    while (systemClock.monotonic() - began_ms < drain_ms_max) {
      const status = await this.#watchOnce();
      const there = status?.followers.every(
        (edge) => isComplete(edge) && parsePosition(edge.position as string).end >= end,
      );
      if (there) return systemClock.monotonic() - began_ms;
    }
    const status = await this.#parts().processes.status();
    throw new Fault('MR-9001', {
      detail: `the copies did not reach ${formatLsn(end)} within ${drain_ms_max / 1_000} s: ${JSON.stringify(status?.followers)}`,
    });
  }

  /** A page that is out is resolved some seconds after its cause is gone, so that it does not flap. */
  async #resolved(): Promise<void> {
    const deadline = systemClock.monotonic() + resolve_ms_max;
    while (systemClock.monotonic() < deadline) {
      const status = await this.#watchOnce();
      if (status && !status.alerts.some(({ key }) => key.endsWith('/page'))) return;
    }
  }

  async #firstStatus(): Promise<void> {
    const deadline = systemClock.monotonic() + firstStatus_ms_max;
    while (systemClock.monotonic() < deadline) if (await this.#watchOnce()) return;
    throw new Fault('MR-9001', {
      detail: `the monitor did not answer within ${firstStatus_ms_max / 1_000} s`,
    });
  }

  async #watchFor(duration_ms: number): Promise<void> {
    const deadline = systemClock.monotonic() + duration_ms;
    while (systemClock.monotonic() < deadline) await this.#watchOnce();
  }

  async #watchOnce() {
    const { processes, load, bank } = this.#parts();
    this.#stopIfAborted();
    processes.check();
    const status = await processes.status();
    if (status) {
      this.#figures.show(status, load.transactions, systemClock.monotonic());
      const replica = status.followers.find(({ edge }) => edge === 'replica');
      if (replica && isComplete(replica)) await bank.look();
    }
    await systemClock.sleep(poll_ms, this.#options.signal);
    return status;
  }

  #parts(): { processes: PipelineProcesses; load: LiveLoad; bank: BankWatch } {
    const [processes, load, bank] = [this.#processes, this.#load, this.#bank];
    if (!processes || !load || !bank)
      throw new Fault('MR-9001', { detail: 'the demo has not started its parts' });
    return { processes, load, bank };
  }

  #stopIfAborted(): void {
    if (this.#options.signal.aborted) throw new Fault('MR-1001', { detail: 'interrupted' });
  }

  #say(line: string): void {
    const seconds = String(Math.floor((systemClock.monotonic() - this.#began_ms) / 1_000)).padStart(3);
    this.#options.terminal.say(`${this.#options.terminal.style.dim(`${seconds} s`)}  ${line}`);
  }
}

/** Holds the snapshot: exact, and beyond the start of history, where an empty copy is exact too. */
function isComplete({ position, state, tables_building }: EdgeStatus): boolean {
  return (
    state === 'exact' && tables_building.length === 0 && position !== null && parsePosition(position).end > 0n
  );
}
