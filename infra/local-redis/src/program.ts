import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { debianRoot } from '@millrace/debian-packages';
import { Fault } from '@millrace/runtime';

/** A Redis that this machine can run. */
export interface RedisProgram {
  readonly program: string;
  /** What it needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** BullMQ's own minimum. */
const version_min = [6, 2] as const;
const version_ms_max = 10_000;

/** True when `Redis server v=7.0.15 sha=…` tells of a version new enough. */
export function isFit(text: string): boolean {
  const [, major, minor] = /v=(\d+)\.(\d+)/.exec(text)?.map(Number) ?? [];
  if (major === undefined || minor === undefined) return false;
  return major > version_min[0] || (major === version_min[0] && minor >= version_min[1]);
}

function versionOf({ program, environment }: RedisProgram): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      program,
      ['--version'],
      { timeout: version_ms_max, env: { PATH: process.env.PATH, ...environment } },
      (error, stdout) => resolve(error ? '' : stdout),
    );
  });
}

/** Redis as Debian packages it, in the user's cache. */
export async function unpackedRedis(): Promise<RedisProgram> {
  const root = await debianRoot({ packages: ['redis-server', 'redis-tools'] });
  return {
    program: join(root.folder, 'usr', 'bin', 'redis-server'),
    environment: { LD_LIBRARY_PATH: root.libraryPath },
  };
}

/** The `redis-server` of the PATH if it is new enough, else Debian's, unpacked into the cache. Throws MR-7001. */
export async function findRedis(): Promise<RedisProgram> {
  const installed = { program: 'redis-server', environment: { PATH: process.env.PATH ?? '' } };
  if (isFit(await versionOf(installed))) return installed;
  const remedy = 'Install Redis 6.2 or later (redis-server), or set MILLRACE_REDIS_URL to a server’s URL.';
  const unpacked = await unpackedRedis().catch((cause: unknown) => {
    const detail = `no Redis from 6.2 is on the PATH, and ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new Fault('MR-7001', { detail, remedy, cause });
  });
  if (isFit(await versionOf(unpacked))) return unpacked;
  throw new Fault('MR-7001', {
    detail: 'Debian’s redis-server is older than 6.2 or does not run here',
    remedy,
  });
}
