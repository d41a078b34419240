import { readFileSync } from 'node:fs';

/**
 * A process beyond doubt: a pid alone is reused, pid and start time are not within one boot of the machine. Empty
 * `startedAt` or `boot` (no /proc): the process can be seen to live, but never ended by us.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/<pid>/stat. */
  readonly startedAt: string;
  readonly boot: string;
}

const startField = 22;
const bootPath = '/proc/sys/kernel/random/boot_id';

export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = startOf(pid);
  if (startedAt === undefined && !isAlive(pid)) return undefined;
  return { pid, startedAt: startedAt ?? '', boot: readText(bootPath)?.trim() ?? '' };
}

/** The command name in field 2 may hold spaces and brackets: count from the last bracket. */
function startOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[startField - 3];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export type Match = 'exact' | 'unsure' | 'gone';

/** Is the process that registered as `registered` the one that `present` describes? */
export function matchIdentity(registered: ProcessIdentity, present: ProcessIdentity | undefined): Match {
  if (!present) return 'gone';
  const known = registered.startedAt !== '' && registered.boot !== '';
  if (!known || present.startedAt === '' || present.boot === '') return 'unsure';
  return registered.startedAt === present.startedAt && registered.boot === present.boot ? 'exact' : 'gone';
}
