import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '@millrace/runtime';
import { jarFile, type LockedJar, repositoryPath } from './jar-lock.js';

/** SHA-256 of a file, in hexadecimal. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** True when `file` has the size the lock names. What is in our cache was checked whole when it came. */
export async function hasSize(file: string, jar: LockedJar): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.size === jar.bytes;
}

/** True when `file` is the very jar of the lock. */
export async function isAsLocked(file: string, jar: LockedJar): Promise<boolean> {
  return (await hasSize(file, jar)) && (await sha256Of(file)) === jar.sha256;
}

/** A new path beside `file`: what is written there and renamed appears whole or not at all. */
export function besides(file: string): string {
  return `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
}

/**
 * Copies `source` into the cache under its coordinates, if it is the jar of the lock. Several processes may do so at
 * once: the file appears whole by a rename. Returns false when it is another file.
 */
export async function admit(source: string, cache: string, jar: LockedJar): Promise<boolean> {
  if (!(await hasSize(source, jar))) return false;
  const target = jarFile(cache, jar);
  await mkdir(dirname(target), { recursive: true });
  const copy = besides(target);
  try {
    // The copy is checked, not the source, which another program may be writing.
    await copyFile(source, copy);
    if (!(await isAsLocked(copy, jar))) return false;
    await rename(copy, target);
    return true;
  } finally {
    await rm(copy, { force: true });
  }
}

export function notAsLocked(jar: LockedJar, source: string): Fault {
  return new Fault('MR-7005', {
    detail: `${repositoryPath(jar)} from ${source} has another size or SHA-256 than the lock file says`,
  });
}
