import { join } from 'node:path';
import { cacheFolder } from '@millrace/local-process';
import { serviceUser } from './service-user.js';

/**
 * Where binaries, templates and data folders of PostgreSQL live. Under root the servers run as another account, which
 * must reach them, so a TMPDIR that only root can enter is passed over. Throws MR-7003.
 */
export function postgresCache(): string {
  return cacheFolder({ name: 'postgres', shared: serviceUser() !== undefined });
}

/** The folder of all servers' folders. Throws MR-7003. */
export function runFolder(): string {
  return join(postgresCache(), 'run');
}
