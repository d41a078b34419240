import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { type PgServer, startPostgres, tempFolder, waitFor } from '@millrace/test-support';
import { PageReceiver } from './page-receiver.js';
import { type Part, Pipeline, type PipelineOptions, parts } from './pipeline.js';

const arrival_ms = 60_000;
const lakeRun_ms = 2_000;
const everything: readonly Part[] = [...parts, 'monitor'];
const rowText = `SELECT string_agg(id || '=' || value, ' ' ORDER BY id) FROM items`;

export interface StageOptions extends Partial<PipelineOptions> {
  readonly startLsn?: bigint | 'beyond-2^53' | 'beyond-2^63';
  /** Settings of the leader. */
  readonly leaderConf?: Readonly<Record<string, string>>;
}

/** A leader with one small table, both followers, all parts as processes, and a pager: the setting of a gap's story. */
export class Stage implements AsyncDisposable {
  readonly leader: PgServer;
  readonly replica: PgServer;
  readonly pager: PageReceiver;
  readonly pipeline: Pipeline;

  private constructor(leader: PgServer, replica: PgServer, pager: PageReceiver, options: StageOptions) {
    this.leader = leader;
    this.replica = replica;
    this.pager = pager;
    this.pipeline = new Pipeline({
      folder: tempFolder('millrace-stage'),
      leaderUrl: leader.url,
      replicaUrl: replica.url,
      webhook: pager.url,
      tables: ['public.items'],
      ...options,
    });
  }

  static async set(options: StageOptions = {}): Promise<Stage> {
    const { startLsn, leaderConf: conf } = options;
    const leader = await startPostgres({
      version: 18,
      ...(startLsn !== undefined && { startLsn }),
      ...(conf && { conf }),
    });
    const replica = await startPostgres({ version: 18 });
    const stage = new Stage(leader, replica, await PageReceiver.start(), options);
    await stage.onLeader(
      'CREATE TABLE items (id int PRIMARY KEY, value text)',
      `INSERT INTO items SELECT i, 'first' FROM generate_series(1, 20) i`,
    );
    return stage;
  }

  /** The pipeline's: its topics and its slot begin with it. */
  get name(): string {
    return this.pipeline.name;
  }

  /** Starts all parts and waits until the replica holds the snapshot. */
  async open(): Promise<void> {
    for (const part of everything) this.pipeline.start(part);
    await this.untilReplicaEqual();
  }

  async onLeader(...statements: readonly string[]): Promise<void> {
    const client = await this.leader.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }

  async leaderRows(): Promise<string> {
    return (await textOf(this.leader, rowText)) ?? '';
  }

  /** Undefined while the table does not exist. */
  async replicaRows(): Promise<string | undefined> {
    return (await textOf(this.replica, `SELECT to_regclass('public.items')::text`)) === undefined
      ? undefined
      : textOf(this.replica, rowText);
  }

  async untilExact(): Promise<void> {
    await waitFor(async () => (await this.replicaState()) === 'exact', {
      what: 'the replica is exact',
      timeout_ms: arrival_ms,
    });
  }

  /** State of the replica's position row. */
  replicaState(): Promise<string | undefined> {
    return textOf(this.replica, 'SELECT state FROM millrace.positions');
  }

  /** Stops the lake's applier, which owns the file, and looks. */
  async lakeRows(): Promise<string> {
    const applier = this.pipeline.part('lake');
    if (!applier.exit) await applier.stop();
    const instance = await DuckDBInstance.create(this.pipeline.lakePath);
    // A handle left over, from a query that failed say, would keep the file from its applier: so none is let fail.
    const connection = await instance.connect();
    try {
      const tables = await connection.runAndReadAll(
        `SELECT 1 FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'items'`,
      );
      if (tables.getRows().length === 0) return '';
      const reader = await connection.runAndReadAll(rowText.replace('items', 'public.items'));
      return String(reader.getRows()[0]?.[0] ?? '');
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }

  async untilReplicaEqual(): Promise<void> {
    await waitFor(
      async () => {
        this.pipeline.assertRunning();
        return (await this.replicaRows()) === (await this.leaderRows());
      },
      { what: 'the replica equals the leader', timeout_ms: arrival_ms },
    );
  }

  /** Looks at the lake between runs of its applier, which get longer so that a slow machine comes to an end too. */
  async untilLakeEqual(): Promise<void> {
    const deadline = performance.now() + 2 * arrival_ms;
    const runs: string[] = [];
    for (let run_ms = lakeRun_ms; ; run_ms *= 2) {
      const rows = await this.lakeRows();
      const { exit, output } = this.pipeline.part('lake');
      runs.push(`it ended with ${JSON.stringify(exit)} and left ${rows.slice(0, 200)}:\n${output}`);
      this.pipeline.start('lake');
      if (rows === (await this.leaderRows())) return;
      if (performance.now() >= deadline) throw new Error(`the lake stays behind: ${runs.join('\n\n')}`);
      await sleep(run_ms);
    }
  }

  /** Waits for a part to stop loudly by itself: exit 65, the code and its remedy on stderr, and a page. */
  async untilLoudStop(part: Part, codes: readonly string[]): Promise<void> {
    const command = this.pipeline.part(part);
    const exit = await Promise.race([command.exited, sleep(arrival_ms, undefined, { ref: false })]);
    const code = codes.find((candidate) => command.output.includes(candidate));
    if (exit?.code !== 65 || code === undefined || !command.output.includes('millrace resync')) {
      throw new Error(
        `${part} should stop with one of ${codes.join(', ')}, exit 65 and a remedy; exit ${JSON.stringify(exit)}:\n${command.output}`,
      );
    }
    await waitFor(() => this.pager.tells(code), { what: `a page names ${code}`, timeout_ms: arrival_ms });
  }

  /** Runs a command of the same configuration to its end and returns its stdout; fails unless it exits 0. */
  async run(...args: readonly string[]): Promise<string> {
    const command = this.pipeline.command(...args);
    const exit = await command.exited;
    if (exit.code !== 0)
      throw new Error(`${command.name} ended with ${JSON.stringify(exit)}:\n${command.output}`);
    return command.data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pipeline.destroy();
    await this.pager[Symbol.asyncDispose]();
    await this.leader.remove();
    await this.replica.remove();
  }
}

async function textOf(server: PgServer, sql: string): Promise<string | undefined> {
  const client = await server.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    const cell: unknown = rows[0]?.[0];
    return cell === null || cell === undefined ? undefined : String(cell);
  } finally {
    await client.end();
  }
}
