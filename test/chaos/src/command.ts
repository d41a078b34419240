import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../../packages/cli/dist/bin.js', import.meta.url));
const tail_lines = 200;
const data_chars_max = 1_000_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of the built `millrace` command, as users run it. Its last lines are kept for the message of a failure. */
export class Command {
  readonly name: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #data = '';
  #exit: Exit | undefined;
  #asked = false;

  constructor(args: readonly string[], cwd: string, environment: Readonly<Record<string, string>> = {}) {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: build first (pnpm build)`);
    this.name = `millrace ${args.join(' ')}`;
    this.#child = spawn(process.execPath, [binary, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...environment },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#data = (this.#data + text).slice(-data_chars_max);
      this.#keep(text);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** It ended, and nobody asked it to. */
  get endedByItself(): boolean {
    return this.#exit !== undefined && !this.#asked;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it printed on stdout alone (the last of it, if that is much). */
  get data(): string {
    return this.#data;
  }

  /** What it printed last, stdout and stderr together. */
  get output(): string {
    return this.#lines.join('\n');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGKILL, and wait for its end. */
  async kill9(): Promise<Exit> {
    this.#asked = true;
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** SIGTERM, and wait for its clean end. */
  async stop(): Promise<Exit> {
    this.#asked = true;
    this.#child.kill('SIGTERM');
    return this.exited;
  }

  #keep(text: string): void {
    this.#lines.push(...text.split('\n').filter((line) => line !== ''));
    if (this.#lines.length > tail_lines) this.#lines.splice(0, this.#lines.length - tail_lines);
  }
}
