import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '@millrace/runtime';
import { type ServiceUser, serverEnvironment, spawnAs } from './account.js';
import { childrenOf, isRunning } from './process-table.js';
import { pidFile } from './watchdog.js';

const poll_ms = 10;
const stop_ms_max = 60_000;
const log_bytes_shown = 4_000;

/** In a server's folder: what it prints. */
export const logFile = 'server.log';

/** How to start a server program and know that it serves. */
export interface ServerProgram {
  /** For messages: `PostgreSQL`. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Working folder; holds `server.log` and `server.pid`. */
  readonly folder: string;
  readonly user?: ServiceUser | undefined;
  /** Over `serverEnvironment`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly start_ms_max: number;
  /** Asked every 10 ms until it says true: the server of this pid takes connections. */
  readonly isReady: (pid: number) => Promise<boolean>;
}

/** The pid is on disk before the program starts, whenever we may die; exec keeps it. */
const recordPid = `echo $$ > ${pidFile} && exec "$@"`;

/** One run of a server program: a child of ours in its own session, so that Ctrl-C reaches us alone. */
export class ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #program: ServerProgram;
  readonly #ended: Promise<void>;

  private constructor(program: ServerProgram, child: ChildProcess) {
    this.pid = child.pid ?? -1;
    this.#program = program;
    this.#child = child;
    this.#ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    child.unref(); // a forgotten server must not keep us alive; the watchdog ends it
  }

  /** Starts the program, logging to `folder/server.log`. It may not serve yet: see `becomeReady`. */
  static launch(program: ServerProgram): ServerProcess {
    const { folder, user } = program;
    const log = openSync(join(folder, logFile), 'a', 0o600);
    const child = spawn('/bin/sh', ['-c', recordPid, 'sh', program.program, ...program.args], {
      cwd: folder,
      env: { ...serverEnvironment, ...program.environment },
      stdio: ['ignore', log, log],
      detached: true,
      ...spawnAs(user),
    });
    closeSync(log);
    return new ServerProcess(program, child);
  }

  /** Launches the server and waits until it is ready. Throws MR-7002 with its log. */
  static async start(program: ServerProgram): Promise<ServerProcess> {
    const server = ServerProcess.launch(program);
    await server.becomeReady();
    return server;
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the server is ready. Throws MR-7002 with its log when it ends before, or takes too long. */
  async becomeReady(): Promise<void> {
    const { isReady, start_ms_max, folder } = this.#program;
    const deadline = performance.now() + start_ms_max;
    while (this.running && performance.now() < deadline) {
      if (await isReady(this.pid)) return;
      await sleep(poll_ms);
    }
    const log = (await readFile(join(folder, logFile), 'utf8').catch(() => '')).slice(-log_bytes_shown);
    const how = this.running ? `was not ready after ${start_ms_max / 1_000} s` : 'ended while starting';
    if (this.running) await this.kill9();
    throw new Fault('MR-7002', { detail: `${this.#what} ${how}:\n${log.trim()}` });
  }

  get #what(): string {
    return `${this.#program.name} in ${this.#program.folder}`;
  }

  /** Ends the server by `signal` and waits until it is gone. Does nothing when it is. Throws MR-7002 after a minute. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    this.#child.ref();
    this.#child.kill(signal);
    const timer = new AbortController();
    const late = sleep(stop_ms_max, 'late', { signal: timer.signal }).catch(() => 'ended');
    const outcome = await Promise.race([this.#ended.then(() => 'ended'), late]);
    timer.abort();
    if (outcome === 'late') throw new Fault('MR-7002', { detail: `${this.#what} did not stop (${signal})` });
  }

  /**
   * SIGKILL to the server and every process of it, as a power cut would (memory of the machine survives). Resolves
   * when none is left, so that the next start finds its ports and shared memory free.
   */
  async kill9(): Promise<void> {
    if (!this.running) return;
    this.#child.ref();
    this.#child.kill('SIGSTOP'); // no new children while they are listed
    const children = childrenOf(this.pid);
    this.#child.kill('SIGKILL');
    for (const pid of children) killIfThere(pid);
    await this.#ended;
    while (children.some(isRunning)) await sleep(poll_ms);
  }

  /** Freezes (SIGSTOP) or thaws (SIGCONT) the server and all its processes: connections stay open, nothing answers. */
  freeze(frozen: boolean): void {
    const signal = frozen ? 'SIGSTOP' : 'SIGCONT';
    this.#child.kill(signal);
    for (const pid of childrenOf(this.pid)) killIfThere(pid, signal);
  }
}

function killIfThere(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself between the listing and now.
  }
}
