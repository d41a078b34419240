import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** LMDB's lock file: a header, then one entry per reader, each in a cache line: snapshot (8 bytes), pid (4), thread. */
const reader_bytes = 64;
const pidOffset = 8;

/**
 * How many entries of the reader table of the embedded log in `folder` belong to each of these processes. Entries of killed ones
 * would pin pages. 0 for all where the log is another.
 */
export function lmdbReaders(folder: string, pids: Iterable<number>): ReadonlyMap<number, number> {
  const counts = new Map([...pids].map((pid) => [pid, 0]));
  for (const file of lockFiles(join(folder, 'log'))) {
    const table = readFileSync(file);
    for (let at = reader_bytes; at + reader_bytes <= table.length; at += reader_bytes) {
      const pid = table.readUInt32LE(at + pidOffset);
      const count = counts.get(pid);
      if (count !== undefined) counts.set(pid, count + 1);
    }
  }
  return counts;
}

function lockFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name === 'lock.mdb' || name.endsWith('-lock'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
