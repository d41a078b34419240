import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runAs, type ServiceUser } from '@millrace/local-process';
import type { Binaries } from './binaries.js';
import { postgresCache } from './cache.js';
import { moveWal } from './wal-origin.js';

/** A cluster made by initdb once and copied for every server: initdb takes a second, the copy a tenth. */
export interface Template {
  readonly dataDir: string;
  /** Of the superuser `postgres`; random, so that other accounts on the machine cannot log in. */
  readonly password: string;
}

/** Raise when what initdb is asked for below changes: old caches are then left alone. */
const recipe = 1;

/** C.UTF-8 sorts by code point on every machine; macOS has no locale of that name. */
const locale = process.platform === 'darwin' ? 'C' : 'C.UTF-8';

async function makeTemplate(
  folder: string,
  binaries: Binaries,
  user: ServiceUser | undefined,
  walStart: bigint | undefined,
): Promise<void> {
  await mkdir(folder);
  await chmod(folder, user === undefined ? 0o700 : 0o711);
  const dataDir = join(folder, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 });
  if (user !== undefined) for (const path of [dataDir, passwordFile]) await chown(path, user.uid, user.gid);
  await runAs(user, folder, binaries.initdb, [
    ...['-D', dataDir, '-U', 'postgres', '--encoding=UTF8', `--locale=${locale}`],
    ...['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--data-checksums'],
    // The copy made from this is thrown away with the machine, if it must be.
    '--no-sync',
  ]);
  if (walStart !== undefined) await moveWal(dataDir, walStart);
}

/**
 * The cached template for these binaries whose WAL begins at `walStart` (a segment boundary; `undefined`: where
 * initdb leaves it). Made on first use; several processes may do so at once, the first to finish wins.
 */
export async function templateFor(
  binaries: Binaries,
  user: ServiceUser | undefined,
  walStart: bigint | undefined,
): Promise<Template> {
  const origin = walStart === undefined ? '' : `-at-${walStart.toString(16)}`;
  const owner = user === undefined ? '' : `-${user.name}`;
  const folder = join(postgresCache(), `template-${recipe}-${binaries.version}${origin}${owner}`);
  // PG_VERSION and the password are read by every start; a cleaner that took them makes us build anew.
  const usable = (): boolean =>
    ['password', 'data/PG_VERSION', 'data/global/pg_control'].every((file) => existsSync(join(folder, file)));
  if (!usable()) {
    const building = `${folder}.${process.pid}.${randomBytes(4).toString('hex')}`;
    try {
      await makeTemplate(building, binaries, user, walStart);
      if (!usable()) await rm(folder, { recursive: true, force: true });
      await rename(building, folder).catch((cause: unknown) => {
        if (!usable()) throw cause;
      });
    } finally {
      await rm(building, { recursive: true, force: true });
    }
  }
  return { dataDir: join(folder, 'data'), password: await readFile(join(folder, 'password'), 'utf8') };
}
