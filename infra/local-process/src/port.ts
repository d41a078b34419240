import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Fault, isFault } from '@millrace/runtime';

const lowest = 15_000;
/** Used where the kernel does not say: the lowest of Linux's and the IANA's ephemeral ranges. */
const ephemeralFrom_default = 32_768;
const tries_max = 50;

async function ephemeralFrom(): Promise<number> {
  try {
    const [from] = (await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')).split(/\s+/);
    const parsed = Number(from);
    return parsed > lowest + tries_max ? parsed : ephemeralFrom_default;
  } catch {
    return ephemeralFrom_default;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/**
 * A free port on 127.0.0.1 *below* the ephemeral range. A server that is killed and restarted must get its port
 * back: an ephemeral one may meanwhile serve some outgoing connection, or even be connected to itself by a client
 * that retries on loopback.
 */
export async function freePort(): Promise<number> {
  const above = await ephemeralFrom();
  for (let attempt = 0; attempt < tries_max; attempt++) {
    const port = randomInt(lowest, above);
    if (await isFree(port)) return port;
  }
  throw new Fault('MR-7002', {
    detail: `no free port between ${lowest} and ${above} was found in ${tries_max} tries`,
  });
}

/** Tries of ports that another process may take between our look and the server's bind. */
const start_tries = 4;

/** Runs `start`, which chooses ports, again when a server's log says that one of them was taken meanwhile. */
export async function retryTakenPorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      const taken = isFault(error, 'MR-7002') && error.detail.includes('Address already in use');
      if (!taken || attempt === start_tries) throw error;
    }
  }
}

/** Has a server start on a free port, on another when that was taken meanwhile. */
export function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  return retryTakenPorts(async () => start(await freePort()));
}
