// Steps of a script as short lines: programs run quietly, and show their output only when they fail.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace's folder, wherever the command was given. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** An end with a message for people instead of a stack: what happened, and what to do next. */
export class Stop extends Error {
  constructor(what, next, code = 1) {
    super(what);
    this.next = next;
    this.code = code;
  }
}

export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Runs `main`, and ends the process with its exit code; a Stop is told in two lines. */
export async function run(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    say(`\n✗ ${error.message}\n  Next: ${error.next}`);
    process.exitCode = error.code;
  }
}

/** Our own node first on the PATH, so that tools which start `node` get this one. */
const environment = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
  // Some tools colour their output even into a file.
  ...(process.stdout.isTTY || process.env.FORCE_COLOR ? {} : { NO_COLOR: '1' }),
};

/** Children under way; ended with us, so that Ctrl-C or a supervisor's SIGTERM leaves nothing behind. */
const children = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // A terminal's Ctrl-C reaches the children by itself: a second one would mean "now, without order".
    const alreadyTold = signal === 'SIGINT' && process.stdin.isTTY;
    if (!alreadyTold) for (const child of children) child.kill(signal);
    // Without a child there is nothing that would end us in its own time.
    if (children.size === 0) process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}

const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGKILL: 137 };

/**
 * Runs a program to its end. `quiet` collects its output instead of showing it. Resolves to its exit code (128 + n
 * for a signal; 127 when it cannot be started) and the output.
 */
export function execute(program, args, { quiet = false, cwd = root, env = {} } = {}) {
  return new Promise((resolve) => {
    const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(program, args, { cwd, env: { ...environment, ...env }, stdio });
    children.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    const done = (code) => {
      children.delete(child);
      resolve({ code, output });
    };
    child.on('error', (error) => {
      output += error.message;
      done(127);
    });
    child.on('close', (code, signal) => done(code ?? signalCodes[signal] ?? 1));
  });
}

/** Shows a step as one line with its time. Its output is shown only when it fails. Resolves to its outcome. */
export async function step(title, program, args, options = {}) {
  const started = performance.now();
  const outcome = await execute(program, args, { ...options, quiet: true });
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  say(`${outcome.code === 0 ? '✓' : '✗'} ${title} (${took})`);
  if (outcome.code !== 0) say(outcome.output.trimEnd());
  return outcome;
}

/** Path of a script that an installed package provides, to be run with our own node. */
export function tool(...path) {
  return join(root, 'node_modules', ...path);
}
