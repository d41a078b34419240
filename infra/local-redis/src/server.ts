import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import {
  cacheFolder,
  LocalServer,
  makeServerFolder,
  onFreePort,
  removeAbandonedFolders,
} from '@millrace/local-process';
import { findRedis, type RedisProgram } from './program.js';

/** Lines for redis.conf, by name. */
export type RedisSettings = Readonly<Record<string, string>>;

export interface RedisOptions {
  /** Over our defaults: append-only file on, no snapshots, nothing evicted. */
  readonly settings?: RedisSettings;
  /** Default: that of the PATH, else Debian's, unpacked into the cache. */
  readonly program?: RedisProgram;
}

const start_ms_max = 30_000;
const ping_ms_max = 1_000;

/** What queues need: a job that was accepted is there after a crash, and none is evicted. */
const defaults: RedisSettings = {
  bind: '127.0.0.1',
  save: '""',
  appendonly: 'yes',
  appendfsync: 'everysec',
  'maxmemory-policy': 'noeviction',
  daemonize: 'no',
};

/** True when the server on `port` answers PING; not while it still loads its data. */
function answers(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let text = '';
    const finish = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(ping_ms_max, () => finish(false));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes('+PONG')) finish(true);
      else if (text.includes('-LOADING')) finish(false);
    });
    socket.write(`AUTH ${password}\r\nPING\r\n`);
  });
}

/**
 * A real Redis of our own on 127.0.0.1. What it acknowledged survives `kill9`. It ends with this process, however that ends, and its folder goes with
 * it.
 */
export class RedisServer extends LocalServer {
  readonly #program: RedisProgram;
  readonly #password = randomBytes(18).toString('base64url');
  #settings: RedisSettings;
  #port = 0;

  private constructor(folder: string, program: RedisProgram, settings: RedisSettings) {
    super(folder);
    this.#program = program;
    this.#settings = { ...defaults, ...settings };
  }

  /** Makes an empty server and starts it. Throws MR-7001, MR-7002, MR-7003. */
  static async create({ settings = {}, program }: RedisOptions = {}): Promise<RedisServer> {
    const found = program ?? (await findRedis());
    const runFolder = join(cacheFolder({ name: 'redis', shared: false }), 'run');
    await removeAbandonedFolders(runFolder, 'KILL');
    const server = new RedisServer(await makeServerFolder(runFolder, 'redis'), found, settings);
    try {
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

  get port(): number {
    return this.#port;
  }

  /** `redis://:password@127.0.0.1:port`. Not for logs. */
  get url(): string {
    return `redis://:${this.#password}@127.0.0.1:${this.#port}`;
  }

  /** Starts the stopped or killed server on its port and data, with changed settings if given. Throws MR-7002. */
  async start(settings: RedisSettings = {}): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    await this.#configure();
    await this.run({
      name: 'Redis',
      program: this.#program.program,
      args: [join(this.folder, 'redis.conf')],
      environment: this.#program.environment,
      start_ms_max,
      isReady: () => answers(this.#port, this.#password),
    });
  }

  async #configure(): Promise<void> {
    const all = {
      ...this.#settings,
      port: String(this.#port),
      dir: this.folder,
      requirepass: this.#password,
    };
    const text = Object.entries(all).map(([name, value]) => `${name} ${value}\n`);
    await writeFile(join(this.folder, 'redis.conf'), text.join(''), { mode: 0o600 });
  }
}

/** Starts a real Redis of our own. Throws MR-7001, MR-7002, MR-7003. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return RedisServer.create(options);
}
