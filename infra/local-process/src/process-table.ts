import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** What the kernel says about a process; `start` tells a process from a later one with the same pid. */
interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly start: string;
}

/** Parses /proc/<pid>/stat (proc_pid_stat(5)); the command in parentheses may hold spaces and parentheses itself. */
export function parseStat(text: string): ProcessRow | undefined {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const [state, parent] = fields;
  const start = fields[19];
  if (end < 0 || state === undefined || start === undefined) return undefined;
  return { pid: Number.parseInt(text, 10), parent: Number(parent), state, start };
}

const hasProc = existsSync('/proc/self/stat');

function readRow(pid: number): ProcessRow | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined; // it ended
  }
}

/** Pids of the children of `parent`, at this moment. */
export function childrenOf(parent: number): number[] {
  if (!hasProc) {
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    return rows
      .map((row) => row.trim().split(/\s+/).map(Number))
      .flatMap(([pid, of]) => (of === parent && pid !== undefined ? [pid] : []));
  }
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    const row = readRow(Number(name));
    return row?.parent === parent ? [row.pid] : [];
  });
}

/** True while `pid` runs. A zombie does not: it holds no files or memory, and only waits to be read by its parent. */
export function isRunning(pid: number): boolean {
  if (hasProc) {
    const row = readRow(pid);
    return row !== undefined && row.state !== 'Z' && row.state !== 'X';
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Names a process for good: pid alone is reused. Empty start where the platform has no /proc. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string;
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, start: hasProc ? (readRow(pid)?.start ?? '') : '' };
}

/** True while the very process `identity` names runs. */
export function stillRuns(identity: ProcessIdentity): boolean {
  return isRunning(identity.pid) && identityOf(identity.pid).start === identity.start;
}
