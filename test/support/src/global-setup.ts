import { startKeeper } from './server-keeper.js';
import { ownKafkaBrokers, removeOwnKafka } from './shared-kafka.js';
import { ownServerUrl, removeOwnServers } from './shared-servers.js';
import { removeTempFolder, runFolderVariable, tempFolder } from './temp-folder.js';
import { postgresVersions } from './versions.js';

/**
 * vitest's globalSetup: keeps the shared servers and the temporary folders for the whole run, starting a server when the
 * first test asks, and ends them afterwards. Returns the teardown.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const stopKeeper = await startKeeper({
    ...Object.fromEntries(postgresVersions.map((version) => [version, () => ownServerUrl(version)])),
    kafka: async () => (await ownKafkaBrokers()).join(','),
  });
  const folder = tempFolder('millrace-run');
  process.env[runFolderVariable] = folder;
  return async () => {
    delete process.env[runFolderVariable];
    stopKeeper();
    await removeOwnServers();
    await removeOwnKafka();
    removeTempFolder(folder);
  };
}
