import { existsSync, linkSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

const makingMark = '.new-';

/**
 * Makes an empty DuckDB file at `path` in one step, unless there is a file. The engine writes a new file's first blocks one
 * by one: a process killed among them would leave a file that nothing can open any more.
 */
export async function makeFile(path: string): Promise<void> {
  // Empty: made by a version that let the engine begin in place, and killed. There is nothing in it to lose.
  if (existsSync(path) && statSync(path).size === 0) rmSync(path);
  if (existsSync(path)) return;
  sweep(path);
  const making = `${path}${makingMark}${process.pid}`;
  try {
    const instance = await DuckDBInstance.create(making);
    instance.closeSync();
    place(making, path);
  } finally {
    rmSync(making, { force: true });
  }
}

/** Never over a file that somebody else has made meanwhile: a link, unlike a rename, fails then. */
function place(making: string, path: string): void {
  try {
    linkSync(making, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    if (existsSync(path)) return;
    // A file system without hard links.
    renameSync(making, path);
  }
}

/** Removes what processes that are gone had begun to make. */
function sweep(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder)) return;
  const prefix = `${basename(path)}${makingMark}`;
  for (const name of readdirSync(folder)) {
    const pid = Number(name.startsWith(prefix) ? name.slice(prefix.length) : Number.NaN);
    if (pid > 0 && (pid === process.pid || !isAlive(pid))) rmSync(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
