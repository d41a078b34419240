import { readFileSync } from 'node:fs';

/** Clock ticks per second of /proc/<pid>/stat: USER_HZ, 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
/** Fields of /proc/<pid>/stat after the command's name (proc_pid_stat(5)): utime is field 14, stime 15. */
const userField = 11;
const systemField = 12;
const kibibyte = 1024;

/** User and system time of a process with all its threads so far, seconds. Undefined when it is gone. */
export function cpuTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold blanks and parentheses: what follows the last one is plain.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[userField]) + Number(fields[systemField])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}

/** Anonymous resident memory, bytes; file pages mapped by LMDB do not count. Undefined when it is gone. */
export function anonymousMemory(pid: number): number | undefined {
  try {
    const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * kibibyte : undefined;
  } catch {
    return undefined;
  }
}
