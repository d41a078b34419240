import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What a process holds at a moment (Linux: /proc). */
export interface ProcessSample {
  /** Seconds of the run. */
  readonly at_s: number;
  /** Anonymous resident memory. */
  readonly rss_bytes: number;
  readonly fds: number;
  /** Those of the descriptors that are sockets. */
  readonly sockets: number;
  readonly threads: number;
}

/** Live heap after a collection, as the process noted it itself (see heap-note.ts). */
export interface HeapNote {
  readonly at_s: number;
  readonly heap_bytes: number;
  /** Memory outside of the heap that its objects hold: buffers. */
  readonly external_bytes: number;
}

/** Undefined when the process is gone. */
export function sampleProcess(pid: number, at_s: number): ProcessSample | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const rss = /^RssAnon:\s+(\d+) kB$/m.exec(status);
    const threads = /^Threads:\s+(\d+)$/m.exec(status);
    if (!rss || !threads) return undefined;
    const fds = readdirSync(`/proc/${pid}/fd`);
    return {
      at_s,
      rss_bytes: Number(rss[1]) * 1024,
      fds: fds.length,
      sockets: fds.filter((fd) => isSocket(pid, fd)).length,
      threads: Number(threads[1]),
    };
  } catch {
    return undefined;
  }
}

function isSocket(pid: number, fd: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
  } catch {
    return false;
  }
}

/** The last note of a process; undefined before its first. */
export function readHeapNote(folder: string, pid: number, start_ms: number): HeapNote | undefined {
  try {
    const note = JSON.parse(readFileSync(join(folder, `${pid}.json`), 'utf8')) as Record<string, number>;
    return {
      at_s: (Number(note.at) - start_ms) / 1_000,
      heap_bytes: Number(note.heapUsed),
      external_bytes: Number(note.external),
    };
  } catch {
    return undefined;
  }
}
