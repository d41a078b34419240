import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerProcess, type ServiceUser } from '@millrace/local-process';

/** How `stop` ends a server: after all sessions left, after rolling them back, or as in a crash (`pg_ctl -m`). */
export type StopMode = 'smart' | 'fast' | 'immediate';

export const stopSignal = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

const start_ms_max = 60_000;

/** Line of postmaster.pid that says `ready   ` once connections are accepted (`miscadmin.h`). */
const statusLine = 7;

/** Starts PostgreSQL on `folder/data`; resolves when it accepts connections. Throws MR-7002. */
export function startPostmaster(
  program: string,
  folder: string,
  port: number,
  user: ServiceUser | undefined,
): Promise<ServerProcess> {
  return ServerProcess.start({
    name: 'PostgreSQL',
    program,
    args: ['-D', join(folder, 'data'), '-p', String(port)],
    folder,
    user,
    start_ms_max,
    async isReady(pid) {
      const status = await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
      const lines = status.split('\n');
      // After a crash the file of the former run is still there for a moment: compare the pid.
      return lines[0] === String(pid) && lines[statusLine]?.startsWith('ready') === true;
    },
  });
}
