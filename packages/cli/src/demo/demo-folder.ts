import { mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const form = /^millrace-demo-(\d+)-/;
/** Pids are used again, and mean nothing across containers that share a folder: younger ones are left alone. */
const abandonedAfter_ms = 3_600_000;

/** A fresh folder for one demo. Folders of demos that were killed an hour ago or more are removed on the way. */
export function makeDemoFolder(): string {
  const base = realpathSync(tmpdir());
  for (const name of readdirSync(base)) {
    const pid = form.exec(name)?.[1];
    if (pid !== undefined && isAbandoned(join(base, name), Number(pid)))
      rmSync(join(base, name), { recursive: true, force: true });
  }
  return mkdtempSync(join(base, `millrace-demo-${process.pid}-`));
}

function isAbandoned(path: string, pid: number): boolean {
  try {
    const { uid, mtimeMs } = statSync(path);
    return uid === process.geteuid?.() && Date.now() - mtimeMs > abandonedAfter_ms && !lives(pid);
  } catch {
    return false;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
