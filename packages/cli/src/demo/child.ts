import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '@millrace/runtime';

const bin = fileURLToPath(new URL('../bin.js', import.meta.url));
const shownLog_lines = 15;
const stop_ms_max = 8_000;

/** One process of the real command line, with its log in a file. */
export class Child {
  readonly name: string;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly logFile: string;
  #process: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  /** True while it is meant to run: an end then is a failure. */
  #wanted = false;

  constructor(name: string, folder: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.name = name;
    this.logFile = join(folder, `${name}.log`);
    this.#args = args;
    this.#env = env;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  start(): void {
    const log = openSync(this.logFile, 'a');
    // Its standard input is ours to close: a demo that is killed takes its processes with it.
    const child = spawn(process.execPath, [bin, '--stop-with-stdin', ...this.#args], {
      stdio: ['pipe', log, log],
      env: this.#env,
    });
    closeSync(log);
    child.stdin?.on('error', () => undefined);
    this.#process = child;
    this.#wanted = true;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
  }

  /** SIGKILL: no goodbye, nothing flushed. Resolves when the process is gone. */
  async kill9(): Promise<void> {
    this.#wanted = false;
    this.#process?.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM, and its end awaited. */
  async stop(): Promise<void> {
    this.#wanted = false;
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stop_ms_max);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Throws with the end of its log when it ended without being asked to. */
  check(): void {
    const child = this.#process;
    if (!this.#wanted || !child || (child.exitCode === null && child.signalCode === null)) return;
    const lines = readFileSync(this.logFile, 'utf8').trimEnd().split('\n');
    throw new Fault('MR-9001', {
      detail: `the ${this.name} process ended with ${child.signalCode ?? child.exitCode}:\n${lines.slice(-shownLog_lines).join('\n')}`,
      remedy: 'Report it with the lines above.',
    });
  }
}
