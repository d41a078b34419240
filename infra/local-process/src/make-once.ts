import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, type ProcessIdentity, stillRuns } from './process-table.js';

const poll_ms = 50;
/** A claim without an owner's name is a process between two steps, or one killed there. */
const nameless_ms_max = 5_000;

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** True when we hold the claim now; false when a process that lives holds it. */
async function claim(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    await writeFile(`${path}/owner.json`, JSON.stringify(identityOf(process.pid)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    const owner = JSON.parse(await readFile(`${path}/owner.json`, 'utf8')) as ProcessIdentity;
    if (!stillRuns(owner)) await rm(path, { recursive: true, force: true });
  } catch {
    const age_ms = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age_ms > nameless_ms_max) await rm(path, { recursive: true, force: true });
  }
  return false;
}

/**
 * Makes folder `folder` appear whole by having `make` fill a folder that then is renamed to it; does nothing when it
 * is there. One process makes it while others wait; when that one dies, another takes over. `make` must not leave
 * anything outside the folder it is given.
 */
export async function makeOnce(folder: string, make: (building: string) => Promise<void>): Promise<void> {
  const lock = `${folder}.lock`;
  const building = `${folder}.building`;
  await mkdir(dirname(folder), { recursive: true });
  while (!(await exists(folder))) {
    if (!(await claim(lock))) {
      await sleep(poll_ms);
      continue;
    }
    try {
      if (await exists(folder)) return; // finished between our look and our claim
      await rm(building, { recursive: true, force: true });
      await mkdir(building, { mode: 0o700 });
      await make(building);
      await rename(building, folder);
    } catch (error) {
      await rm(building, { recursive: true, force: true });
      throw error;
    } finally {
      await rm(lock, { recursive: true, force: true });
    }
  }
}
