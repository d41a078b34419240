import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeLogConformance } from '@millrace/log/conformance';
import { silentLogger, systemClock } from '@millrace/runtime';
import { openEmbeddedLog } from './open.js';

describeLogConformance('the embedded log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-log-'));
  return {
    open: () =>
      openEmbeddedLog({
        path: join(folder, 'log'),
        retention: { followers: 'hold' },
        clock: systemClock,
        logger: silentLogger,
      }),
    destroy: () => rm(folder, { recursive: true, force: true }),
  };
});
