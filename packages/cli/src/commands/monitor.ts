import { systemClock } from '@millrace/runtime';
import { settledOrAbandoned } from '../wiring/abandon.js';
import { openLog } from '../wiring/log.js';
import { buildMonitor } from '../wiring/monitoring.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';

/** Measures, pages, answers over HTTP, until told to stop. */
export async function monitor(context: CommandContext): Promise<number> {
  const loaded = readConfig(context);
  const logger = loggerFor(context, loaded, 'monitor');
  const log = await openLog(loaded, logger);
  try {
    const built = await buildMonitor(loaded, log, logger);
    const monitoring = built.run(context.signal);
    if (await settledOrAbandoned(monitoring, systemClock, context.signal)) await monitoring;
  } finally {
    await log.close();
  }
  return 0;
}
