import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly ended: Promise<Ended>;
  /** What it has printed on stderr so far. */
  err(): string;
  signal(name: NodeJS.Signals): void;
}

/** Built: from source every run would first compile the whole workspace. */
const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

/** Starts the real command line in a process of its own, without a terminal. */
export function start(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Running {
  if (!existsSync(bin)) throw new Error(`${bin} is missing: build first (pnpm build)`);
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // vitest hands its own Node options to workers; a plain process must not inherit them.
    env: { ...process.env, NODE_OPTIONS: '', XDG_CONFIG_HOME: cwd, ...env },
  });
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString('utf8');
  });
  return {
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err }))),
    err: () => err,
    signal: (name) => child.kill(name),
  };
}

export const run = (args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  start(args, cwd, env).ended;
