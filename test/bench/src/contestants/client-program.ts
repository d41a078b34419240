import { execFile } from 'node:child_process';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { debianRoot } from '@millrace/debian-packages';

const run = promisify(execFile);

/** How to start one of PostgreSQL's own client programs here. */
export interface ClientProgram {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  /** `pg_recvlogical (PostgreSQL) 18.1`. */
  readonly version: string;
}

/** The package of Debian that depends on the one with the program, whatever its version. */
const debianPackage = { pg_recvlogical: 'postgresql-client', pgbench: 'postgresql' } as const;
type ClientName = keyof typeof debianPackage;

const found = new Map<ClientName, Promise<ClientProgram>>();

/** The one on the PATH, else Debian's, unpacked into the user's cache. Throws where there is neither. */
export function clientProgram(name: ClientName): Promise<ClientProgram> {
  const known = found.get(name) ?? find(name);
  found.set(name, known);
  return known;
}

async function find(name: ClientName): Promise<ClientProgram> {
  const path = await onPath(name);
  if (path !== undefined) return program(path, process.env);
  try {
    const { folder, libraryPath } = await debianRoot({ packages: [debianPackage[name]] });
    const versions = join(folder, 'usr', 'lib', 'postgresql');
    const newest = (await readdir(versions)).sort((a, b) => Number(b) - Number(a))[0] ?? '';
    return await program(join(versions, newest, 'bin', name), {
      ...process.env,
      LD_LIBRARY_PATH: libraryPath,
    });
  } catch (cause) {
    throw new Error(
      `${name} is neither on the PATH nor to be had from apt-get: install PostgreSQL's client programs`,
      { cause },
    );
  }
}

async function onPath(name: ClientName): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return undefined;
}

async function program(path: string, env: NodeJS.ProcessEnv): Promise<ClientProgram> {
  const { stdout } = await run(path, ['--version'], { env });
  return { path, env, version: stdout.trim() };
}
