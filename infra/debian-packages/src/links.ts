import { lstat, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

async function replace(link: string, target: string): Promise<void> {
  await rm(link);
  await symlink(target, link);
}

/** `link` as it must be when what stood in `/` stands in `root`: what is not there may be installed in the system. */
async function relinkOne(root: string, link: string): Promise<void> {
  const target = await readlink(link);
  const absolute = target.startsWith('/');
  const meant = absolute ? target : join('/', relative(root, dirname(link)), target);
  if (await exists(join(root, meant))) {
    if (absolute) await replace(link, relative(dirname(link), join(root, meant)));
  } else if (!absolute && (await exists(meant))) {
    await replace(link, meant);
  }
}

/**
 * Makes links of packages lead where they would after an installation: into what was unpacked with them below `root`,
 * else into the system, which has the packages that were not unpacked because they are installed.
 */
export async function relink(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries)
    if (entry.isSymbolicLink()) await relinkOne(root, join(entry.parentPath, entry.name));
}
