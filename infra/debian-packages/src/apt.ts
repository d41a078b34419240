import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Lists and archives come over the network. */
const run_ms_max = 300_000;
const output_bytes_max = 64 * 1024 * 1024;

/** Runs a program of Debian's to its end and returns what it printed; rejects with what it complained of. */
export function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { cwd, timeout: run_ms_max, maxBuffer: output_bytes_max, env: { ...process.env, LC_ALL: 'C' } },
      (error, stdout, stderr) =>
        error
          ? reject(new Error(`${program}: ${stderr.trim() || error.message}`, { cause: error }))
          : resolve(stdout),
    );
  });
}

/** Options under which apt-get needs no rights: no system lock is taken, and no other account comes into play. */
const withoutRights: readonly string[] = [
  '-q',
  ...['-o', 'Debug::NoLocking=1'],
  ...(process.geteuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []),
];

/** apt-get with the system's package lists. */
export const systemLists = withoutRights;

/** apt-get with lists of its own below `folder`, fetched now: the system's are missing or out of date. */
export async function freshLists(folder: string): Promise<readonly string[]> {
  const lists = join(folder, 'lists');
  const cache = join(folder, 'cache');
  for (const path of [lists, cache]) await mkdir(join(path, 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  const options = [...withoutRights, '-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${cache}`];
  await run('apt-get', [...options, 'update'], folder);
  return options;
}
