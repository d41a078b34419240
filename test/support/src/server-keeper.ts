import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Shared servers belong to the process that outlives the tests: vitest's main process (see `global-setup.ts`). Test
 * workers come and go with their files, and ask it for a server's address over HTTP. Without a keeper (a script outside
 * vitest) a process keeps servers of its own.
 */
export const keeperVariable = 'MILLRACE_TEST_SERVERS';

/** Servers by name, each started when first asked for; the answer is its address. */
export type KeptServers = Readonly<Record<string, () => Promise<string>>>;

/** Starts a keeper of `servers`, to which this process and its children turn from now on. Returns what ends it. */
export async function startKeeper(servers: KeptServers): Promise<() => void> {
  // The answers hold passwords: the path is a secret that only our workers inherit.
  const secret = randomBytes(16).toString('hex');
  const keeper = createServer((request, response) => {
    const [, path, name = ''] = (request.url ?? '').split('/');
    const start = path === secret && Object.hasOwn(servers, name) ? servers[name] : undefined;
    if (start === undefined) {
      response.writeHead(404).end();
      return;
    }
    start().then(
      (address) => response.end(address),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  keeper.listen(0, '127.0.0.1');
  await once(keeper, 'listening');
  process.env[keeperVariable] = `http://127.0.0.1:${(keeper.address() as AddressInfo).port}/${secret}`;
  return () => {
    delete process.env[keeperVariable];
    keeper.closeAllConnections();
    keeper.close();
  };
}

/** The address of the run's server of that name, or `undefined` when there is no keeper. */
export async function askKeeper(name: string): Promise<string | undefined> {
  const keeper = process.env[keeperVariable];
  if (keeper === undefined) return undefined;
  const answer = await fetch(`${keeper}/${name}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`no shared server ${name}: ${text}`);
  return text;
}
