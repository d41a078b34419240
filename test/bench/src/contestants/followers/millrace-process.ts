import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../../../../packages/cli/dist/bin.js', import.meta.url));
const shown_chars = 4_000;
/** A folder: every process of ours writes its CPU profile there (`--cpu-prof`). Such a run is no measurement. */
const profileFolder = process.env.MILLRACE_BENCH_PROFILES;
const profileInterval_us = 500;
/** A clean stop takes five seconds at most (the command's own promise). */
const stop_ms_max = 10_000;

/** One process of the built command, as users run it. It ends with us: its standard input does. */
export class MillraceProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #output: string;
  readonly #exited: Promise<void>;

  /** `folder` holds `millrace.yaml`; what it prints goes to a file there. */
  constructor(args: readonly string[], folder: string) {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: build first (pnpm build)`);
    this.name = `millrace ${args.join(' ')}`;
    this.#output = join(folder, `${args.join('-')}.log`);
    const output = openSync(this.#output, 'a');
    const command = [binary, ...args, '--log-level', 'warn', '--stop-with-stdin'];
    this.#child = spawn(process.execPath, [...profiling(args), ...command], {
      cwd: folder,
      stdio: ['pipe', output, output],
      env: { ...process.env, NO_COLOR: '1' },
    });
    closeSync(output);
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Throws with its last output when it has ended. */
  assertRunning(): void {
    if (this.running) return;
    const output = readFileSync(this.#output, 'utf8').slice(-shown_chars);
    throw new Error(
      `${this.name} ended (${this.#child.exitCode ?? this.#child.signalCode}):\n${output.trim()}`,
    );
  }

  /** SIGTERM, and its clean end; killed when that does not come. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGTERM');
    const late = new AbortController();
    const timer = sleep(stop_ms_max, undefined, { signal: late.signal })
      .then(() => this.#child.kill('SIGKILL'))
      .catch(() => undefined);
    await this.#exited;
    late.abort();
    await timer;
  }

  /** SIGKILL, and its end. */
  async kill9(): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

function profiling(args: readonly string[]): string[] {
  if (profileFolder === undefined) return [];
  const name = `${args.join('-')}.${Date.now()}.cpuprofile`;
  return [
    '--cpu-prof',
    `--cpu-prof-interval=${profileInterval_us}`,
    `--cpu-prof-dir=${profileFolder}`,
    `--cpu-prof-name=${name}`,
  ];
}
