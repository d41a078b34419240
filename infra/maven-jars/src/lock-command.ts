import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { argv, stderr, stdout } from 'node:process';
import { sha256Of } from './checked-file.js';
import type { LockedJar } from './jar-lock.js';
import { type PomDependency, resolveThroughMaven } from './maven.js';

/**
 * `pnpm --filter @millrace/maven-jars lock group:artifact:version …` prints the lock of these artifacts with all they
 * need at run time, for a `*.lock.json`.
 */
function parseCoordinates(text: string): PomDependency {
  const [group, artifact, version, ...more] = text.split(':');
  if (!group || !artifact || !version || more.length > 0)
    throw new Error(`${text}: give artifacts as group:artifact:version`);
  return { group, artifact, version };
}

/** `org/apache/kafka/kafka-clients/4.3.1/kafka-clients-4.3.1.jar` → its coordinates. */
function coordinatesOf(path: string): PomDependency {
  const parts = path.split(sep);
  const [artifact = '', version = ''] = parts.slice(-3, -1);
  return { group: parts.slice(0, -3).join('.'), artifact, version };
}

async function lockedJar(folder: string, path: string): Promise<LockedJar> {
  const file = join(folder, path);
  return { ...coordinatesOf(path), bytes: (await stat(file)).size, sha256: await sha256Of(file) };
}

async function lock(roots: readonly PomDependency[]): Promise<LockedJar[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-lock-'));
  try {
    await resolveThroughMaven(folder, roots);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.jar'))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
    const jars: LockedJar[] = [];
    for (const path of paths) jars.push(await lockedJar(folder, path));
    return jars;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const roots = argv.slice(2).map(parseCoordinates);
if (roots.length === 0) {
  stderr.write('usage: lock group:artifact:version …\n');
  process.exitCode = 64;
} else {
  stdout.write(`${JSON.stringify({ jars: await lock(roots) }, undefined, 2)}\n`);
}
