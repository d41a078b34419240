import { chmodSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault } from '@millrace/runtime';

/** Tries at a name before giving up: another user may have planted folders under the first ones. */
const names_max = 8;
const writable_by_others = 0o022;
const traversable_by_others = 0o001;

/** True when every folder from `path` up to the root can be entered by any account. */
function reachableByOthers(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & traversable_by_others) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

/** True when `path` is a real folder that only `euid` can have filled. */
function isOwnFolder(path: string, euid: number): boolean {
  const found = lstatSync(path);
  return found.isDirectory() && found.uid === euid && (found.mode & writable_by_others) === 0;
}

function claim(path: string, mode: number, euid: number): boolean {
  try {
    // mkdir never follows a planted link: it fails with EEXIST, and the owner check below decides.
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
  }
  if (!isOwnFolder(path, euid)) return false;
  chmodSync(path, mode); // the umask may have taken bits away
  return true;
}

/** A cache folder to be claimed. */
export interface CacheClaim {
  /** Whose servers: `postgres`, `kafka`. Stands in the folder's name. */
  readonly name: string;
  /** True when servers run under another account, which must reach what is inside. */
  readonly shared: boolean;
}

/** Picks the cache folder of account `euid` among `bases`. Throws MR-7003. */
export function claimCacheFolder(
  { name, shared }: CacheClaim,
  bases: readonly string[],
  euid: number,
): string {
  for (const base of bases) {
    let real: string;
    try {
      real = realpathSync(base);
    } catch {
      continue;
    }
    if (shared && !reachableByOthers(real)) continue;
    for (let attempt = 0; attempt < names_max; attempt++) {
      const path = join(real, `millrace-${name}-${euid}${attempt === 0 ? '' : `-${attempt}`}`);
      if (claim(path, shared ? 0o711 : 0o700, euid)) return path;
    }
  }
  throw new Fault('MR-7003', { detail: `none of ${bases.join(', ')} can hold the servers' files` });
}

/**
 * Where binaries, templates and data folders of local servers live: below TMPDIR, unless the servers run under
 * another account which could not enter that. Throws MR-7003.
 */
export function cacheFolder(claimed: CacheClaim): string {
  return claimCacheFolder(claimed, [tmpdir(), '/tmp', '/var/tmp'], process.geteuid?.() ?? -1);
}
