// What `npm start` and `npm test` share: plain Node, no dependencies, so that it runs before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const pnpm = manifest.packageManager; // pnpm@12.21.0
const node_min = [20, 19];
const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
const lockfile = 'pnpm-lock.yaml';
const stamp = join(root, 'node_modules', '.millrace-installed');

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

function checkMachine() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < node_min[0] || (major === node_min[0] && minor < node_min[1])) {
    throw new Stop(
      `Node ${process.versions.node} is too old: Millrace needs ${node_min.join('.')} or later.`,
      'install Node 20.19, 22 or 24 from https://nodejs.org, then run this again.',
      69,
    );
  }
  const platform = `${process.platform}-${process.arch}`;
  if (!platforms.includes(platform)) {
    throw new Stop(
      `${platform} is not supported: the servers used here come as binaries for ${platforms.join(', ')}.`,
      'use one of those, or a Linux container.',
      69,
    );
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

/** Changes whenever an install could have something to do. */
function installKey() {
  const hash = createHash('sha256').update(process.version).update(process.platform).update(process.arch);
  const manifests = ['packages', 'infra', 'test'].flatMap((group) => {
    const folder = join(root, group);
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name, 'package.json')) : [];
  });
  const files = [lockfile, 'pnpm-workspace.yaml', 'package.json'].map((name) => join(root, name));
  for (const file of [...files, ...manifests.sort()])
    if (existsSync(file)) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/** How to run the pinned pnpm: one that is there in that version, else through npx. */
async function findPnpm() {
  const version = pnpm.split('@')[1];
  // Asked from outside, for a pnpm that would look at this folder's pin first and fetch itself.
  const present = await execute('pnpm', ['--version'], { quiet: true, cwd: tmpdir() });
  if (present.code === 0 && present.output.trim() === version) return { program: 'pnpm', args: [] };
  return { program: 'npx', args: ['-y', pnpm] };
}

function installRemedy(code, output) {
  if (code === 127) return 'npx was not found: install npm, which comes with Node.';
  if (output.includes('OUTDATED_LOCKFILE')) return `run \`npx -y ${pnpm} install\` and commit ${lockfile}.`;
  return 'check the network and `npm config get registry`, then run this again.';
}

async function install() {
  const key = installKey();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  const { program, args } = await findPnpm();
  say('… installing packages (the first time this downloads about 250 MB)');
  const { code, output } = await step('packages installed', program, [
    ...args,
    'install',
    '--frozen-lockfile',
  ]);
  if (code !== 0) throw new Stop('The packages could not be installed.', installRemedy(code, output), 69);
  writeFileSync(stamp, key);
}

/** Checks the machine and brings the installed packages up to date. Fast when nothing changed. */
export async function prepare() {
  checkMachine();
  await install();
}

/** Compiles what changed. */
export function build() {
  return step('built', process.execPath, [tool('typescript', 'bin', 'tsc'), '-b']);
}
