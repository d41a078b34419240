import { Fault } from '@millrace/runtime';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type BullProcessor, type BullServer, type WorkerSettings, workerOptions } from './bull-server.js';
import { serverFault } from './server-fault.js';

/** Keys of Millrace's queues begin with it. */
const prefix = 'millrace';
const connect_ms_max = 5_000;
/** A server that is back is found within this time. */
const reconnect_ms_max = 1_000;
const reconnect_ms_first = 50;

/** BullMQ's own minimum; older ones lack commands that it needs. */
export const redisVersion_min = [6, 2] as const;

const options = (url: string) => ({
  url,
  connectTimeout: connect_ms_max,
  // Blocking reads of workers must outlive any number of reconnections.
  maxRetriesPerRequest: null,
  retryStrategy: (times: number) => Math.min(reconnect_ms_first * 2 ** Math.min(times, 10), reconnect_ms_max),
});

/** Redis from 6.2. `rediss://` is TLS with verification of the certificate. */
export function redisServer(url: string): BullServer {
  const where = describeRedis(url);
  return {
    kind: 'redis',
    where,
    prepare: () => withRedis(url, async (client) => refuseUnfit(await client.info('server'), where)),
    queue: (name) => queueOn(url, name),
    worker: (name, processor, settings) => workerOn(url, name, processor, settings),
  };
}

/** Without the offline queue a command fails at once while the server is away, instead of piling up (promise 7). */
function queueOn(url: string, name: string) {
  const queue = new Queue(name, { connection: { ...options(url), enableOfflineQueue: false }, prefix });
  keepQuiet(queue.getBackend().client);
  return queue;
}

function workerOn(url: string, name: string, processor: BullProcessor, settings: WorkerSettings) {
  const worker = new Worker(name, processor, {
    connection: options(url),
    prefix,
    ...workerOptions(settings),
  });
  keepQuiet(worker.getBackend().client);
  keepQuiet(worker.getBackend().blockingClient);
  return worker;
}

/** BullMQ takes its own listeners off before a closed connection has ended; ioredis then writes to the console. */
function keepQuiet(client: Promise<{ on(event: 'error', listener: () => void): unknown }> | undefined): void {
  const nothing = (): void => undefined;
  client?.then((connection) => connection.on('error', nothing), nothing);
}

/** `redis://host:port/db`, without user and password. */
export function describeRedis(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

/** One short connection that gives up instead of trying again. Throws MR-6003, MR-6004, MR-6008. */
export async function withRedis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, {
    connectTimeout: connect_ms_max,
    commandTimeout: connect_ms_max,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    lazyConnect: true,
  });
  let told: unknown;
  client.on('error', (error) => {
    told ??= error;
  });
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    // What the connection said is the cause; the command only says that it was closed.
    throw serverFault(error instanceof Fault ? error : (told ?? error), describeRedis(url));
  } finally {
    client.disconnect();
  }
}

function refuseUnfit(info: string, where: string): void {
  const version = infoField(info, 'redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [least, leastMinor] = redisVersion_min;
  if (major > least || (major === least && minor >= leastMinor)) return;
  throw new Fault('MR-6008', {
    detail: `${where} is Redis ${version}; background jobs need ${redisVersion_min.join('.')} or newer`,
  });
}

/** One field of what INFO says. */
export const infoField = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
