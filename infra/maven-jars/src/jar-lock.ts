import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '@millrace/runtime';

/** One jar of a Maven repository, and what it must be. */
export interface LockedJar {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  readonly bytes: number;
  /** SHA-256 of the file, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** A program as the jars it needs at run time, in the order of its class path. Made by the `lock` command. */
export interface JarLock {
  readonly jars: readonly LockedJar[];
}

/** Coordinates become parts of paths and of a pom: nothing else than these characters may pass. */
const coordinate = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const digest = /^[0-9a-f]{64}$/;

function isLockedJar(value: unknown): value is LockedJar {
  const { group, artifact, version, bytes, sha256 } = (value ?? {}) as Partial<
    Record<keyof LockedJar, unknown>
  >;
  return (
    [group, artifact, version].every((part) => typeof part === 'string' && coordinate.test(part)) &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string' &&
    digest.test(sha256)
  );
}

/** Reads a lock from its text. Throws MR-7005 when it is not one. `name` stands in messages. */
export function parseJarLock(text: string, name: string): JarLock {
  const fail = (detail: string, cause?: unknown): Fault =>
    new Fault('MR-7005', { detail: `${name} ${detail}`, remedy: 'Make the lock file anew.', cause });
  let jars: unknown;
  try {
    jars = (JSON.parse(text) as { jars?: unknown }).jars;
  } catch (cause) {
    throw fail('is not JSON', cause);
  }
  if (!Array.isArray(jars)) throw fail('has no list of jars');
  const wrong = jars.findIndex((jar) => !isLockedJar(jar));
  if (wrong >= 0) throw fail(`has a jar without proper coordinates, size or checksum, number ${wrong + 1}`);
  return { jars: jars as LockedJar[] };
}

/** Reads a lock file, usually `new URL('../program.lock.json', import.meta.url)`. Throws MR-7005. */
export function readJarLock(file: URL): JarLock {
  return parseJarLock(readFileSync(file, 'utf8'), fileURLToPath(file));
}

/** The path of a jar below the root of a Maven repository, with slashes. */
export function repositoryPath({ group, artifact, version }: LockedJar): string {
  return `${group.replaceAll('.', '/')}/${artifact}/${version}/${artifact}-${version}.jar`;
}

/** Where a jar stands in a folder laid out as a Maven repository. */
export function jarFile(folder: string, jar: LockedJar): string {
  return join(folder, ...repositoryPath(jar).split('/'));
}
