import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@millrace/runtime';

/** The folder for caches, by the platform's custom (XDG base directories; macOS has its own). */
export function userCachePath(
  platform: NodeJS.Platform,
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const xdg = environment.XDG_CACHE_HOME;
  // A relative path is to be ignored, says the XDG specification.
  if (xdg?.startsWith('/')) return join(xdg, 'millrace');
  return platform === 'darwin'
    ? join(home, 'Library', 'Caches', 'millrace')
    : join(home, '.cache', 'millrace');
}

/**
 * The folder `name` of the user's cache, made if it is missing, closed to other accounts: what is fetched once and
 * used by every later run (jars, unpacked packages). It may be deleted at any time. Throws MR-7003.
 */
export function userCacheFolder(name: string): string {
  const folder = join(userCachePath(process.platform, homedir(), process.env), name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Fault('MR-7003', {
      detail: `${folder} cannot be made: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: 'Point XDG_CACHE_HOME at a folder that you can write.',
      cause,
    });
  }
  return folder;
}
