import { buildMonitor } from '../wiring/monitoring.js';
import { openLog } from '../wiring/pipeline.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';

/** Measures, pages, answers over HTTP, until told to stop. */
export async function monitor(context: CommandContext): Promise<number> {
  const loaded = readConfig(context);
  const logger = loggerFor(context, loaded, 'monitor');
  const log = await openLog(loaded, logger);
  try {
    await buildMonitor(loaded, log, logger).run(context.signal);
  } finally {
    await log.close();
  }
  return 0;
}
