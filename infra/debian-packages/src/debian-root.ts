import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOnce, userCacheFolder } from '@millrace/local-process';
import { Fault } from '@millrace/runtime';
import { freshLists, run, systemLists } from './apt.js';
import { relink } from './links.js';
import { parsePlan } from './plan.js';

/** Packages unpacked below a folder instead of `/`. */
export interface DebianRoot {
  readonly folder: string;
  /** For LD_LIBRARY_PATH: where the libraries of the packages stand. */
  readonly libraryPath: string;
}

/** What is to be unpacked. */
export interface DebianWish {
  readonly packages: readonly string[];
  /** Of what they need, this is had from elsewhere. */
  readonly without?: RegExp;
  /** Work to do in the root before anyone uses it, for what the packages' own scripts would have done. */
  readonly finish?: (root: DebianRoot) => Promise<void>;
}

const complaint = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function download(folder: string, options: readonly string[], wish: DebianWish): Promise<void> {
  const plan = await run(
    'apt-get',
    [...options, '--simulate', '--no-install-recommends', '--reinstall', 'install', ...wish.packages],
    folder,
  );
  const wanted = parsePlan(plan)
    .filter(({ name }) => !wish.without?.test(name))
    .map(({ name, version }) => `${name}=${version}`);
  await run('apt-get', [...options, 'download', ...wanted], folder);
}

/** Lists of the system are often absent (containers) or older than the packages served: then with fresh ones. */
async function downloadSomehow(folder: string, wish: DebianWish): Promise<void> {
  try {
    await download(folder, systemLists, wish);
  } catch {
    await download(folder, await freshLists(userCacheFolder('apt')), wish);
  }
}

async function libraryPath(root: string): Promise<string> {
  const bases = ['usr/lib', 'lib'].map((path) => join(root, path));
  const found: string[] = [];
  for (const base of bases) {
    const names = (await readdir(base).catch(() => [])).filter((name) => name.endsWith('-linux-gnu'));
    found.push(...names.map((name) => join(base, name)), base);
  }
  return found.filter((path) => existsSync(path)).join(':');
}

async function unpack(building: string, wish: DebianWish): Promise<void> {
  const archives = join(building, 'archives');
  const root = join(building, 'root');
  await mkdir(archives);
  await mkdir(root);
  await downloadSomehow(archives, wish);
  for (const name of await readdir(archives))
    await run('dpkg-deb', ['-x', join(archives, name), root], building);
  await rm(archives, { recursive: true });
  await relink(root);
  await wish.finish?.({ folder: root, libraryPath: await libraryPath(root) });
}

/** `debian-12-x64`: what packages are made for. */
async function release(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string): string => new RegExp(`^${name}="?([\\w.]*)`, 'm').exec(text)?.[1] ?? '';
  return `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
}

/**
 * The packages with all they need and the system lacks, unpacked into the user's cache: nothing is installed, no
 * rights are needed. Needs Debian or a descendant of it, and its mirrors on first use. Throws MR-7003, MR-7007.
 */
export async function debianRoot(wish: DebianWish): Promise<DebianRoot> {
  const { packages } = wish;
  const folder = join(userCacheFolder('debian'), `${packages.join('+')}-${await release()}`);
  try {
    await makeOnce(folder, (building) => unpack(building, wish));
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('MR-7007', { detail: `${packages.join(', ')}: ${complaint(cause)}`, cause });
  }
  const root = join(folder, 'root');
  return { folder: root, libraryPath: await libraryPath(root) };
}
