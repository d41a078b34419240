import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { Fault } from '@millrace/runtime';
import { postgresCache } from './cache.js';

/** Where one version's programs stand, runnable by the service account. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** The package's version, `18.4.0-beta.17`; names caches. */
  readonly version: string;
}

/** A list of what a finished copy holds: cleaners of temporary folders remove single old files. */
const manifestName = 'complete.json';

/** Linked libraries, headers and static archives are for building extensions; we only run the server. */
const unused = /\.a$|^pkgconfig$|^include$/;

/**
 * The npm package with the binaries of PostgreSQL `major` for this platform, or `undefined`. It is sought as a
 * dependency of the package that `from` (an `import.meta.url`) belongs to, then of this one.
 */
export function locatePackage(major: number, from: string): string | undefined {
  for (const base of [from, import.meta.url]) {
    try {
      const entry = createRequire(base).resolve(`postgres-${major}-${process.platform}-${process.arch}`);
      return dirname(dirname(entry));
    } catch {
      // Not a dependency there, or not for this platform.
    }
  }
  return undefined;
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    const expected = JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as string[];
    const present = new Set(await filesUnder(folder));
    return expected.every((file) => present.has(file));
  } catch {
    return false;
  }
}

/** The package's install script makes these links; package managers that do not run it leave them out. */
async function linkLibraries(packageFolder: string, copy: string): Promise<void> {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(copy, relative('native', target));
    if ((await lstat(path).catch(() => undefined)) !== undefined) continue;
    await symlink(basename(source), path);
  }
}

/** Whatever the umask and the package manager's store say, the service account must read and run the copy. */
async function openToAll(copy: string): Promise<void> {
  await chmod(copy, 0o755);
  for (const entry of await readdir(copy, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const runnable = entry.isDirectory() || basename(entry.parentPath) === 'bin';
    await chmod(join(entry.parentPath, entry.name), runnable ? 0o755 : 0o644);
  }
}

async function copyBinaries(packageFolder: string, copy: string): Promise<void> {
  await mkdir(copy);
  for (const part of ['bin', 'lib', 'share']) {
    await cp(join(packageFolder, 'native', part), join(copy, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !unused.test(basename(source)),
    });
  }
  await linkLibraries(packageFolder, copy);
  await openToAll(copy);
  await writeFile(join(copy, manifestName), JSON.stringify(await filesUnder(copy)));
}

/** Puts `building` in place of `folder`, unless another process has finished one meanwhile. */
async function install(building: string, folder: string): Promise<void> {
  const placed = await rename(building, folder).then(
    () => true,
    () => false,
  );
  if (placed) return;
  if (!(await isComplete(folder))) {
    const damaged = `${building}.damaged`;
    await rename(folder, damaged);
    await rename(building, folder);
    await rm(damaged, { recursive: true, force: true });
  }
  await rm(building, { recursive: true, force: true });
}

/**
 * Programs of the package in `packageFolder`, copied once into the cache: the checkout may stand under a folder that
 * the service account cannot enter. Safe when several processes do it at once: the first rename wins.
 */
async function cachedBinaries(packageFolder: string): Promise<Binaries> {
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  const folder = join(postgresCache(), `bin-${version}-${process.platform}-${process.arch}`);
  if (!(await isComplete(folder))) {
    const building = `${folder}.${process.pid}.${randomBytes(4).toString('hex')}`;
    await copyBinaries(packageFolder, building);
    await install(building, folder);
  }
  return { postgres: join(folder, 'bin', 'postgres'), initdb: join(folder, 'bin', 'initdb'), version };
}

/** Programs of PostgreSQL `major`. Throws MR-7001 when its package is not installed for this platform. */
export async function binariesOf(major: number, from: string): Promise<Binaries> {
  const packageFolder = locatePackage(major, from);
  if (packageFolder === undefined) {
    throw new Fault('MR-7001', {
      detail: `no binaries of PostgreSQL ${major} for ${process.platform}-${process.arch} are installed`,
      remedy: 'Install optional dependencies (pnpm install), or give a server’s URL.',
      context: { major, platform: process.platform, arch: process.arch },
    });
  }
  return cachedBinaries(packageFolder);
}
