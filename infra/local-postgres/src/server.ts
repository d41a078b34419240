import { randomBytes } from 'node:crypto';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  makeServerFolder,
  onFreePort,
  removeAbandonedFolders,
  runAs,
  type ServerProcess,
  type ServiceUser,
  startWatchdog,
  type Watchdog,
} from '@millrace/local-process';
import { Fault } from '@millrace/runtime';
import pg from 'pg';
import { type Binaries, binariesOf } from './binaries.js';
import { runFolder } from './cache.js';
import { type StopMode, startPostmaster, stopSignal } from './postmaster.js';
import { serviceUser } from './service-user.js';
import { configurationText, type ServerSettings } from './settings.js';
import { templateFor } from './template.js';

export interface PgServerOptions {
  /** Major version; its binaries must be a dependency of the package that `from` belongs to. */
  readonly version: number;
  /** `import.meta.url` of a file in the package whose optional dependencies hold the binaries. Default: this package (18). */
  readonly from?: string;
  /** Settings for postgresql.conf, over the defaults of `settings.ts`. */
  readonly conf?: ServerSettings;
  /** Where the WAL begins: an LSN on a 16 MiB boundary. Default: where initdb leaves it. */
  readonly walStart?: bigint;
}

/**
 * A real PostgreSQL server of our own: on 127.0.0.1, its own port, folder and password, fsync on, ready for logical
 * decoding. It ends with this process, however that ends, and its folder goes with it.
 */
export class PgServer {
  readonly version: number;
  /** Holds `data` and `server.log`. */
  readonly folder: string;
  readonly password: string;
  readonly #binaries: Binaries;
  readonly #user: ServiceUser | undefined;
  readonly #watchdog: Watchdog;
  #port = 0;
  #postmaster: ServerProcess | undefined;

  private constructor(
    version: number,
    folder: string,
    password: string,
    binaries: Binaries,
    user: ServiceUser | undefined,
  ) {
    this.version = version;
    this.folder = folder;
    this.password = password;
    this.#binaries = binaries;
    this.#user = user;
    this.#watchdog = startWatchdog(folder, 'QUIT');
  }

  /** Makes a cluster and starts it. Throws MR-7001, MR-7002, MR-7003. */
  static async create(options: PgServerOptions): Promise<PgServer> {
    const user = serviceUser();
    const binaries = await binariesOf(options.version, options.from ?? import.meta.url);
    const template = await templateFor(binaries, user, options.walStart);
    await removeAbandonedFolders(runFolder(), 'QUIT');
    const folder = await makeServerFolder(runFolder(), `pg${options.version}`, user);
    const server = new PgServer(options.version, folder, template.password, binaries, user);
    try {
      await runAs(user, folder, 'cp', ['-Rp', template.dataDir, server.dataDir]);
      await server.#configure(options.conf ?? {}, true);
      await onFreePort((port) => {
        server.#port = port;
        return server.start();
      });
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  get port(): number {
    return this.#port;
  }

  get running(): boolean {
    return this.#postmaster?.running ?? false;
  }

  /** Of the superuser, to database `postgres`. Holds the password: not for logs. */
  get url(): string {
    return this.urlOf('postgres');
  }

  /** The superuser's URL of a database. */
  urlOf(database: string): string {
    return `postgresql://postgres:${this.password}@127.0.0.1:${this.#port}/${encodeURIComponent(database)}`;
  }

  /** A connected client of the superuser; the caller ends it. */
  async connect(database = 'postgres'): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.urlOf(database) });
    // Tests kill servers: the query under way reports it, an idle client must not end the process.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Makes an empty database with a fresh name and returns its URL. */
  async createDatabase(prefix = 'db'): Promise<string> {
    const name = `${prefix}_${randomBytes(6).toString('hex')}`;
    const client = await this.connect();
    try {
      await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`);
    } finally {
      await client.end();
    }
    return this.urlOf(name);
  }

  /** Stops the server and keeps its data. Default mode `fast`. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    await this.#postmaster?.stop(stopSignal[mode]);
  }

  /** SIGKILL to all its processes: a crash. `start` recovers from the WAL. */
  async kill9(): Promise<void> {
    await this.#postmaster?.kill9();
  }

  /** All its processes stand still (true) or go on (false): connections stay open and nobody answers. */
  freeze(frozen: boolean): void {
    this.#postmaster?.freeze(frozen);
  }

  /** Starts the stopped or killed server on its port again, with changed settings if given. */
  async start(conf: ServerSettings = {}): Promise<void> {
    if (this.running)
      throw new Fault('MR-7002', { detail: `the server in ${this.folder} is running already` });
    await this.#configure(conf, false);
    this.#postmaster = await startPostmaster(this.#binaries.postgres, this.folder, this.#port, this.#user);
  }

  /** `stop` and `start`. */
  async restart(conf: ServerSettings = {}, mode: StopMode = 'fast'): Promise<void> {
    await this.stop(mode);
    await this.start(conf);
  }

  /** Copies the data folder of the stopped server and returns the copy's path, for `restoreData`. */
  async copyData(): Promise<string> {
    this.#mustBeStopped('copyData');
    const copy = join(this.folder, `copy-${randomBytes(4).toString('hex')}`);
    await runAs(this.#user, this.folder, 'cp', ['-Rp', this.dataDir, copy]);
    return copy;
  }

  /** Puts a copy made earlier in place of the data of the stopped server: what restoring an old backup does. */
  async restoreData(copy: string): Promise<void> {
    this.#mustBeStopped('restoreData');
    await rm(this.dataDir, { recursive: true, force: true });
    await runAs(this.#user, this.folder, 'cp', ['-Rp', copy, this.dataDir]);
  }

  /** Ends the server at once and removes its folder. */
  async remove(): Promise<void> {
    await this.#postmaster?.stop(stopSignal.immediate);
    await this.#watchdog.release();
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  #mustBeStopped(what: string): void {
    if (this.running)
      throw new Fault('MR-7002', { detail: `${what}: stop the server in ${this.folder} first` });
  }

  async #configure(conf: ServerSettings, fresh: boolean): Promise<void> {
    const text = configurationText(conf, fresh);
    if (text !== '') await appendFile(join(this.dataDir, 'postgresql.conf'), text);
  }
}
