import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brokerVariable, ownServerUrl, removeOwnServers } from './shared-servers.js';
import { removeTempFolder, runFolderVariable, tempFolder } from './temp-folder.js';
import { isPostgresVersion } from './versions.js';

/**
 * vitest's globalSetup: keeps the shared servers and the temporary folders for the whole run, starting a server when the
 * first test asks, and ends them afterwards. Returns the teardown.
 */
export default async function setup(): Promise<() => Promise<void>> {
  // The answers hold passwords: the path is a secret that only our workers inherit.
  const secret = randomBytes(16).toString('hex');
  const broker = createServer((request, response) => {
    const [, path, version] = (request.url ?? '').split('/');
    const wanted = Number(version);
    if (path !== secret || !isPostgresVersion(wanted)) {
      response.writeHead(404).end();
      return;
    }
    ownServerUrl(wanted).then(
      (url) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  broker.listen(0, '127.0.0.1');
  await once(broker, 'listening');
  process.env[brokerVariable] = `http://127.0.0.1:${(broker.address() as AddressInfo).port}/${secret}`;
  const folder = tempFolder('millrace-run');
  process.env[runFolderVariable] = folder;
  return async () => {
    delete process.env[brokerVariable];
    delete process.env[runFolderVariable];
    broker.closeAllConnections();
    broker.close();
    await removeOwnServers();
    removeTempFolder(folder);
  };
}
