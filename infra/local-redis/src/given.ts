import { startRedis } from './server.js';

/** A Redis to use, whoever runs it. */
export interface RedisAccess extends AsyncDisposable {
  /** With the password. Not for logs. */
  readonly url: string;
}

/**
 * The server of MILLRACE_REDIS_URL, else one of our own that ends when this is disposed of. What uses a server it may
 * share keeps to names of its own there. Throws MR-7001, MR-7002, MR-7003.
 */
export async function accessRedis(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<RedisAccess> {
  const url = environment.MILLRACE_REDIS_URL;
  return url ? { url, [Symbol.asyncDispose]: () => Promise.resolve() } : startRedis();
}
