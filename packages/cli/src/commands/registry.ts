import { once } from 'node:events';
import { Fault } from '@millrace/runtime';
import { openLog } from '../wiring/log.js';
import { serveConfigured } from '../wiring/registry.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';

/** Serves the log's schemas to outside consumers, until told to stop. Any number may run on one log. */
export async function registry(context: CommandContext): Promise<number> {
  const loaded = readConfig(context);
  if (!loaded.config.registry)
    throw new Fault('MR-1003', {
      detail: `${loaded.file} has no \`registry\``,
      remedy: 'Add `registry: { listen: 127.0.0.1:8081 }`.',
    });
  const logger = loggerFor(context, loaded, 'registry');
  const log = await openLog(loaded, logger);
  try {
    const server = await serveConfigured(loaded, log, logger);
    if (!context.signal.aborted) await once(context.signal, 'abort');
    await server?.close();
  } finally {
    await log.close();
  }
  return 0;
}
