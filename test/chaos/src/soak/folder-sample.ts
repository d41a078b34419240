import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a pipeline takes on disk. */
export interface FolderSample {
  readonly log_bytes: number;
  readonly lake_bytes: number;
  readonly lakeWal_bytes: number;
  /** Entries of the processes' own temporary folder. */
  readonly temporary: number;
}

export function sampleFolders(folder: string, temporary: string): FolderSample {
  return {
    log_bytes: bytesUnder(join(folder, 'log')),
    lake_bytes: bytesUnder(join(folder, 'lake.duckdb')),
    lakeWal_bytes: bytesUnder(join(folder, 'lake.duckdb.wal')),
    temporary: temporaryFiles(temporary).length,
  };
}

export function temporaryFiles(temporary: string): readonly string[] {
  return existsSync(temporary) ? readdirSync(temporary) : [];
}

/** Allocated bytes: files of LMDB have holes. */
function bytesUnder(path: string): number {
  try {
    const found = statSync(path);
    if (!found.isDirectory()) return found.blocks * 512;
    return readdirSync(path).reduce((sum, name) => sum + bytesUnder(join(path, name)), 0);
  } catch {
    return 0;
  }
}
