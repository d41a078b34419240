import { lstat, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/**
 * Links in packages that name a place from the root of the file system (`/etc/java-17-openjdk/…`) are made to name
 * the same place below `root`, if the packages hold it; others go on pointing into the system.
 */
export async function relink(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(entry.parentPath, entry.name);
    const target = await readlink(link);
    if (!target.startsWith('/')) continue;
    const inside = join(root, target);
    if ((await lstat(inside).catch(() => undefined)) === undefined) continue;
    await rm(link);
    await symlink(relative(dirname(link), inside), link);
  }
}
