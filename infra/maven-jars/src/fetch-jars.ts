import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { userCacheFolder } from '@millrace/local-process';
import { admit, hasSize, notAsLocked } from './checked-file.js';
import { download } from './download.js';
import { type JarLock, jarFile, type LockedJar } from './jar-lock.js';
import { copyThroughMaven } from './maven.js';

/** Where jars come from; every default is what a user of the machine would expect. */
export interface JarSources {
  /** Folder that keeps the jars. Default: `jars` of the user's cache. */
  readonly cache?: string;
  /** Maven's local repository, from which jars are taken if they are there. Default: `~/.m2/repository`. */
  readonly localRepository?: string;
  /** URL of a Maven repository to download from. Default: MILLRACE_MAVEN_URL; without one, Maven itself fetches. */
  readonly url?: string;
}

async function missingFrom(cache: string, jars: readonly LockedJar[]): Promise<LockedJar[]> {
  const there = await Promise.all(jars.map((jar) => hasSize(jarFile(cache, jar), jar)));
  return jars.filter((_, index) => !there[index]);
}

async function takeFrom(folder: string, cache: string, jars: readonly LockedJar[]): Promise<void> {
  for (const jar of jars) await admit(jarFile(folder, jar), cache, jar);
}

/** Has Maven fetch `jars`: it knows the user's mirrors, proxies and certificates (settings.xml). */
async function fetchThroughMaven(cache: string, jars: readonly LockedJar[]): Promise<void> {
  const staging = await mkdtemp(join(cache, '.maven-'));
  try {
    await copyThroughMaven(staging, jars);
    for (const jar of jars)
      if (!(await admit(jarFile(staging, jar), cache, jar))) throw notAsLocked(jar, 'Maven’s repository');
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * Makes every jar of `lock` be in the cache and returns them as a class path for `java -cp`. Jars not yet there are
 * taken from Maven's local repository, else from the repository of MILLRACE_MAVEN_URL, else fetched by Maven. Each is
 * checked by SHA-256 before it enters the cache; safe when several processes do it at once.
 * Throws MR-7003 (cache), MR-7004 (not to be had), MR-7005 (not what the lock names).
 */
export async function fetchJars(lock: JarLock, sources: JarSources = {}): Promise<string> {
  const cache = sources.cache ?? userCacheFolder('jars');
  const localRepository = sources.localRepository ?? join(homedir(), '.m2', 'repository');
  const url = sources.url ?? process.env.MILLRACE_MAVEN_URL;
  await mkdir(cache, { recursive: true });
  await takeFrom(localRepository, cache, await missingFrom(cache, lock.jars));
  const missing = await missingFrom(cache, lock.jars);
  if (missing.length > 0) {
    if (url === undefined || url === '') await fetchThroughMaven(cache, missing);
    else await download(url, cache, missing);
  }
  return lock.jars.map((jar) => jarFile(cache, jar)).join(delimiter);
}
