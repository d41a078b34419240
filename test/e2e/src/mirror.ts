import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from '@millrace/chaos';
import { parseLsn, parsePosition } from '@millrace/model';
import { type PgServer, removeTempFolder, tempFolder, waitFor } from '@millrace/test-support';
import pg from 'pg';
import { type Dump, differenceOf, dumpDuckDb, dumpPostgres, tableId } from './comparison.js';

const arrival_ms = 120_000;
const look_ms = 150;

export interface MirrorOptions {
  /** The leader is a database of this server, so that a test costs no server of its own … */
  readonly leaderServer: PgServer;
  /** … and the replica one of this: on the leader's, its own writes would keep the leader from ever being quiet. */
  readonly replicaServer: PgServer;
  readonly ddlEvents?: 'auto' | 'on' | 'off';
  readonly onSchemaUncertain?: 'stop' | 'repair';
  /** Patterns of `leader.tables`. */
  readonly tables?: readonly string[];
  /** Takes over tables of the replica that stand in the way. */
  readonly adopt?: boolean;
  /** DuckDB's own limit, as the configuration writes it. */
  readonly lakeMemory?: string;
  /** Run on the leader before the pipeline starts: what the snapshot finds. */
  readonly setUp?: readonly string[];
}

interface StatusReport {
  readonly followers: readonly {
    readonly edge: string;
    readonly state: string | null;
    readonly position: string | null;
  }[];
}

/** A leader, a PostgreSQL replica and a DuckDB lake, kept equal by one `millrace up`; compared by the text of every column. */
export class Mirror implements AsyncDisposable {
  readonly leader: pg.Client;
  readonly replica: pg.Client;
  readonly leaderUrl: string;
  readonly folder: string;
  /** Of the leader, with settings of its own. */
  readonly #reader: pg.Client;
  #up: Command | undefined;

  private constructor(
    clients: readonly [leader: pg.Client, reader: pg.Client, replica: pg.Client],
    leaderUrl: string,
    folder: string,
  ) {
    [this.leader, this.#reader, this.replica] = clients;
    this.leaderUrl = leaderUrl;
    this.folder = folder;
  }

  static async open(options: MirrorOptions): Promise<Mirror> {
    const [leaderUrl, replicaUrl] = [
      await options.leaderServer.createDatabase('leader'),
      await options.replicaServer.createDatabase('replica'),
    ];
    const folder = tempFolder('millrace-mirror');
    writeFileSync(join(folder, 'millrace.yaml'), configuration(options, leaderUrl, replicaUrl));
    const mirror = new Mirror(
      [await clientOf(leaderUrl), await clientOf(leaderUrl), await clientOf(replicaUrl)],
      leaderUrl,
      folder,
    );
    await mirror.onLeader(...(options.setUp ?? []));
    return mirror;
  }

  /** Each statement is a transaction of its own, unless it says otherwise. */
  async onLeader(...statements: readonly string[]): Promise<void> {
    for (const statement of statements) {
      try {
        await this.leader.query(statement);
      } catch (error) {
        throw new Error(`${statement.slice(0, 300)}: ${String(error)}`, { cause: error });
      }
    }
  }

  start(): Command {
    this.#up = this.command('up', '--no-input');
    return this.#up;
  }

  command(...args: readonly string[]): Command {
    return new Command(args, this.folder);
  }

  /** Another connection to the leader; the caller ends it. */
  anotherClient(): Promise<pg.Client> {
    return clientOf(this.leaderUrl);
  }

  get up(): Command {
    if (!this.#up) throw new Error('the pipeline was never started');
    return this.#up;
  }

  /** Stops the pipeline, cleanly. */
  async stop(): Promise<void> {
    if (this.#up && !this.#up.exit) await this.#up.stop();
  }

  /** Until both followers hold what the leader holds; the pipeline is left stopped. Fails with the first differences. */
  async untilEqual(tables?: readonly string[]): Promise<void> {
    await this.untilReplicaEqual(tables);
    const wanted = await this.#leaderDump(tables);
    await this.#untilLakeIsLevel();
    await this.stop();
    this.#mustBeEqual('lake', wanted, await dumpDuckDb(join(this.folder, 'lake.duckdb'), [...wanted.keys()]));
  }

  async untilReplicaEqual(tables?: readonly string[]): Promise<void> {
    const wanted = await this.#leaderDump(tables);
    let difference: string | undefined;
    const deadline = performance.now() + arrival_ms;
    do {
      this.#assertRunning();
      difference = await this.#replicaDifference(wanted);
      if (difference === undefined) return;
      await sleep(look_ms);
    } while (performance.now() < deadline);
    throw new Error(`replica and leader differ:\n${difference}\n${this.up.output}`);
  }

  async #replicaDifference(wanted: Dump): Promise<string | undefined> {
    try {
      return differenceOf(wanted, await dumpPostgres(this.replica, [...wanted.keys()]));
    } catch (error) {
      // Its applier changed a table between our look at the columns and at the rows.
      return String(error);
    }
  }

  /** Until the output names `code`. */
  async untilSaid(code: string): Promise<void> {
    await waitFor(() => this.up.output.includes(code), {
      what: `the pipeline says ${code}:\n${this.up.output}`,
      timeout_ms: arrival_ms,
    });
  }

  async #leaderDump(tables: readonly string[] | undefined): Promise<Dump> {
    return await dumpPostgres(this.#reader, tables ?? (await this.#publishedTables()));
  }

  /** Capture makes the publication when it starts. */
  async #publishedTables(): Promise<string[]> {
    return await this.#whileRunning(async () => {
      const { rows } = await this.leader.query<{ schemaname: string; tablename: string }>(
        'SELECT schemaname, tablename FROM pg_catalog.pg_publication_tables ORDER BY 1, 2',
      );
      return rows.length > 0 && rows.map((row) => tableId(row.schemaname, row.tablename));
    }, 'the publication holds tables');
  }

  /** Until the lake has passed what the leader has written until now. */
  async #untilLakeIsLevel(): Promise<void> {
    const { rows } = await this.leader.query<{ lsn: string }>(
      'SELECT pg_current_wal_insert_lsn()::text AS lsn',
    );
    const target = parseLsn(rows[0]?.lsn ?? '');
    let seen = '';
    await this.#whileRunning(
      async () => {
        const status = this.command('status', '--json');
        await status.exited;
        seen = status.data;
        const { followers } = JSON.parse(status.data) as StatusReport;
        const lake = followers.find((follower) => follower.edge.endsWith('lake'));
        return (
          lake?.state === 'exact' && lake.position !== null && parsePosition(lake.position).end >= target
        );
      },
      () => `the lake is level:\n${seen}`,
    );
  }

  /** Asks until there is an answer; fails at once when a service has stopped. */
  async #whileRunning<T>(
    ask: () => Promise<T | false | undefined>,
    what: string | (() => string),
  ): Promise<T> {
    const deadline = performance.now() + arrival_ms;
    while (performance.now() < deadline) {
      this.#assertRunning();
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      await sleep(look_ms);
    }
    throw new Error(`not in time: ${typeof what === 'string' ? what : what()}\n${this.up.output}`);
  }

  #mustBeEqual(name: string, leader: Dump, copy: Dump): void {
    const difference = differenceOf(leader, copy);
    if (difference !== undefined)
      throw new Error(`${name} and leader differ:\n${difference}\n${this.up.output}`);
  }

  #assertRunning(): void {
    const { exit, output } = this.up;
    if (exit) throw new Error(`millrace up ended with ${JSON.stringify(exit)}:\n${output}`);
    if (output.includes('has stopped:')) throw new Error(`a service of millrace up has stopped:\n${output}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#up && !this.#up.exit) await this.#up.kill9();
    await this.leader.end();
    await this.#reader.end();
    await this.replica.end();
    removeTempFolder(this.folder);
  }
}

async function clientOf(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function configuration(options: MirrorOptions, leaderUrl: string, replicaUrl: string): string {
  const slot = `e2e_${new URL(leaderUrl).pathname.slice(1)}`;
  const tables = options.tables ?? ['public.*'];
  return `pipeline: e2e
leader:
  url: ${JSON.stringify(leaderUrl)}
  slot: ${slot}
  tables: [${tables.map((table) => JSON.stringify(table)).join(', ')}]
  ddl_events: ${options.ddlEvents ?? 'auto'}
  on_schema_uncertain: ${options.onSchemaUncertain ?? 'stop'}
log: { embedded: { path: ./log } }
followers:
  replica: { postgres: { url: ${JSON.stringify(replicaUrl)}, adopt: ${options.adopt ?? false} } }
  lake: { duckdb: { path: ./lake.duckdb, memory_limit: ${options.lakeMemory ?? '128MB'} } }
monitor: { listen: "127.0.0.1:0" }
`;
}
