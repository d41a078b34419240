import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceUser } from './account.js';
import { identityOf, type ProcessIdentity, stillRuns } from './process-table.js';
import { type EndSignal, startWatchdog } from './watchdog.js';

const ownerFile = 'owner.json';

interface Owner extends ProcessIdentity {
  /** Pids mean nothing in another container that shares the temporary folder. */
  readonly pidNamespace: string;
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/**
 * Removes what servers of processes that are gone have left: a watchdog does that at once, unless it was killed
 * too. A server still running there is ended by `end`; folders of other pid namespaces are left alone.
 */
export async function removeAbandonedFolders(runFolder: string, end: EndSignal): Promise<void> {
  const names = await readdir(runFolder).catch(() => []);
  for (const name of names) {
    const folder = join(runFolder, name);
    const text = await readFile(join(folder, ownerFile), 'utf8').catch(() => undefined);
    if (text === undefined) continue; // just being made
    const owner = JSON.parse(text) as Owner;
    if (owner.pidNamespace === pidNamespace() && !stillRuns(owner)) startWatchdog(folder, end).endNow();
  }
}

/** A fresh folder in `runFolder` for one server, owned by the account it runs as, signed with our identity. */
export async function makeServerFolder(
  runFolder: string,
  prefix: string,
  user?: ServiceUser,
): Promise<string> {
  await mkdir(runFolder, { recursive: true });
  await chmod(runFolder, user === undefined ? 0o700 : 0o711);
  const folder = join(runFolder, `${prefix}-${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(folder, { mode: 0o700 });
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const owner: Owner = { ...identityOf(process.pid), pidNamespace: pidNamespace() };
  await writeFile(join(folder, ownerFile), JSON.stringify(owner));
  return folder;
}
