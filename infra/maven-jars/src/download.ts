import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { Fault } from '@millrace/runtime';
import { admit, notAsLocked } from './checked-file.js';
import { type LockedJar, repositoryPath } from './jar-lock.js';

const parallel_max = 8;
/** A jar of 10 MB at 1 Mbit/s takes 80 s. */
const download_ms_max = 300_000;

/** `url` without what stands before the host: user and password are no matter for messages. */
function withoutCredentials(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function urlOf(repository: string, jar: LockedJar): URL {
  try {
    return new URL(repositoryPath(jar), repository.endsWith('/') ? repository : `${repository}/`);
  } catch (cause) {
    throw new Fault('MR-7004', { detail: 'MILLRACE_MAVEN_URL is not a URL', cause });
  }
}

/** fetch() refuses URLs with credentials: they travel in the header they stand for. */
function request(url: URL): { readonly url: string; readonly headers: Record<string, string> } {
  const { username, password } = url;
  if (username === '') return { url: url.href, headers: {} };
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    url: bare.href,
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  };
}

async function downloadOne(from: URL, cache: string, staging: string, jar: LockedJar): Promise<void> {
  const file = join(staging, `${jar.group}.${jar.artifact}-${jar.version}.jar`);
  try {
    const { url, headers } = request(from);
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(download_ms_max) });
    if (!answer.ok || answer.body === null) throw new Error(`HTTP ${answer.status} ${answer.statusText}`);
    await pipeline(Readable.fromWeb(answer.body as ReadableStream), createWriteStream(file));
  } catch (cause) {
    const { message, cause: deeper } = cause as Error;
    const reason = deeper instanceof Error ? `${message}: ${deeper.message}` : message;
    throw new Fault('MR-7004', { detail: `${withoutCredentials(from)}: ${reason}`, cause });
  }
  if (!(await admit(file, cache, jar))) throw notAsLocked(jar, withoutCredentials(from));
}

/** Downloads `jars` from the Maven repository at URL `repository` into the cache. Throws MR-7004, MR-7005. */
export async function download(repository: string, cache: string, jars: readonly LockedJar[]): Promise<void> {
  const staging = await mkdtemp(join(cache, '.download-'));
  const waiting = [...jars];
  const worker = async (): Promise<void> => {
    for (let jar = waiting.shift(); jar !== undefined; jar = waiting.shift())
      await downloadOne(urlOf(repository, jar), cache, staging, jar);
  };
  try {
    const workers = Array.from({ length: parallel_max }, worker);
    // All of them end before the folder they write into goes.
    const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
