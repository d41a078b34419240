import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '@millrace/runtime';
import { childrenOf, isRunning } from './process-table.js';
import { type ServiceUser, serverEnvironment, spawnAs } from './service-user.js';

/** How `stop` ends a server: after all sessions left, after rolling them back, or as in a crash (`pg_ctl -m`). */
export type StopMode = 'smart' | 'fast' | 'immediate';

const stopSignal = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;
const poll_ms = 10;
const start_ms_max = 60_000;
const stop_ms_max = 60_000;
const log_bytes_shown = 4_000;

/** Line of postmaster.pid that says `ready   ` once connections are accepted (`miscadmin.h`). */
const statusLine = 7;

/** One run of the server program: a child of ours in its own session, so that Ctrl-C reaches us alone. */
export class Postmaster {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess, folder: string, ended: Promise<void>) {
    this.pid = child.pid ?? -1;
    this.#child = child;
    this.#folder = folder;
    this.#ended = ended;
  }

  /** Starts the server on `folder/data`, logging to `folder/server.log`; resolves when it accepts connections. */
  static async start(
    program: string,
    folder: string,
    port: number,
    user: ServiceUser | undefined,
  ): Promise<Postmaster> {
    const log = openSync(join(folder, 'server.log'), 'a', 0o600);
    const child = spawn(program, ['-D', join(folder, 'data'), '-p', String(port)], {
      cwd: folder,
      env: { ...serverEnvironment },
      stdio: ['ignore', log, log],
      detached: true,
      ...spawnAs(user),
    });
    closeSync(log);
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    child.unref(); // a forgotten server must not keep us alive; the watchdog ends it
    const postmaster = new Postmaster(child, folder, ended);
    await postmaster.#becomeReady();
    return postmaster;
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #becomeReady(): Promise<void> {
    const deadline = performance.now() + start_ms_max;
    while (this.running && performance.now() < deadline) {
      const lines = (
        await readFile(join(this.#folder, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
      ).split('\n');
      // After a crash the file of the former run is still there for a moment: compare the pid.
      if (lines[0] === String(this.pid) && lines[statusLine]?.startsWith('ready')) return;
      await sleep(poll_ms);
    }
    const log = (await readFile(join(this.#folder, 'server.log'), 'utf8').catch(() => '')).slice(
      -log_bytes_shown,
    );
    if (this.running) await this.kill9();
    throw new Fault('MR-7002', { detail: `PostgreSQL in ${this.#folder} did not start:\n${log.trim()}` });
  }

  /** Ends the server and waits until it is gone. Does nothing when it is. Throws MR-7002 after a minute. */
  async stop(mode: StopMode): Promise<void> {
    if (!this.running) return;
    this.#child.ref();
    this.#child.kill(stopSignal[mode]);
    const timer = new AbortController();
    const late = sleep(stop_ms_max, 'late', { signal: timer.signal }).catch(() => 'ended');
    const outcome = await Promise.race([this.#ended.then(() => 'ended'), late]);
    timer.abort();
    if (outcome === 'late')
      throw new Fault('MR-7002', { detail: `PostgreSQL in ${this.#folder} did not stop (${mode})` });
  }

  /**
   * SIGKILL to the server and every process of it, as a power cut would (memory of the machine survives). Resolves
   * when none is left, so that the next start finds the shared memory free.
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
