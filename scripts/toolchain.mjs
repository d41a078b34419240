// What `npm start` and `npm test` share: plain Node, no dependencies, so that it runs before anything is installed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execute, root, Stop, say, step, tool } from './steps.mjs';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const pnpm = manifest.packageManager; // pnpm@12.21.0
const node_min = [20, 19];
const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
const lockfile = 'pnpm-lock.yaml';
const stamp = join(root, 'node_modules', '.millrace-installed');
/** Held while packages are installed and code is built: two commands in one checkout take turns. */
const turn = join(root, '.millrace', 'preparing');
const turn_poll_ms = 250;

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

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Waits for the turn, and takes it. One that its holder left by dying is taken over. */
async function takeTurn() {
  mkdirSync(join(root, '.millrace'), { recursive: true });
  for (let told = false; ; ) {
    try {
      writeFileSync(turn, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(readHolder());
    if (holder > 0 && !isAlive(holder)) {
      rmSync(turn, { force: true });
      continue;
    }
    if (!told) say(`… another command (process ${holder}) is installing or building here: waiting`);
    told = true;
    await sleep(turn_poll_ms);
  }
}

function readHolder() {
  try {
    return readFileSync(turn, 'utf8');
  } catch {
    return ''; // released just now
  }
}

/** Checks the machine, brings the installed packages up to date and compiles what changed: `{ code }` of the build. */
export async function prepare() {
  checkMachine();
  await takeTurn();
  try {
    await install();
    return await step('built', process.execPath, [tool('typescript', 'bin', 'tsc'), '-b']);
  } finally {
    rmSync(turn, { force: true });
  }
}
