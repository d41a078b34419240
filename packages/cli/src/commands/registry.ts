import { once } from 'node:events';
import { Fault, isFault, type Logger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { openLog, openLogToRead, type PipelineLog } from '../wiring/log.js';
import { serveConfigured } from '../wiring/registry.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';

/** How often to look for a log that capture has yet to make. */
const look_ms = 1_000;

/** Serves the log's schemas to outside consumers, until told to stop. Any number may run on one log. */
export async function registry(context: CommandContext): Promise<number> {
  const loaded = readConfig(context);
  const { config, file } = loaded;
  if (!config.registry)
    throw new Fault('MR-1003', {
      detail: `${file} has no \`registry\``,
      remedy: 'Add `registry: { listen: 127.0.0.1:8081 }`.',
    });
  const { signal } = context;
  const logger = loggerFor(context, loaded, 'registry');
  const log = config.registry.writable
    ? await openLog(loaded, logger)
    : await openWhenThere(loaded, logger, signal);
  if (!log) return 0;
  try {
    const server = await serveConfigured(loaded, log, logger);
    if (!signal.aborted) await once(signal, 'abort');
    await server?.close();
  } finally {
    await log.close();
  }
  return 0;
}

/** A log that is still unfinished when looked at so often is something else. */
const unfinished_max = 3;

/** The folder of an embedded log is there before its file, and its file before what makes it a log. */
const isBeingMade = (error: unknown, { config }: LoadedConfig): boolean =>
  config.log.embedded !== undefined && isFault(error, 'MR-3008', 'MR-3014');

/** Read-only, so that whoever only shows schemas needs no right to write; undefined when told to stop before there is a log. */
async function openWhenThere(
  loaded: LoadedConfig,
  logger: Logger,
  signal: AbortSignal,
): Promise<PipelineLog | undefined> {
  let unfinished = 0;
  for (let looks = 0; !signal.aborted; looks++) {
    try {
      const log = await openLogToRead(loaded, logger);
      if (log) return log;
    } catch (error) {
      if (!isBeingMade(error, loaded) || unfinished++ > unfinished_max) throw error;
    }
    if (looks === 0) logger.warn({}, 'waits: there is no log yet; capture makes it');
    await systemClock.sleep(look_ms, signal);
  }
  return undefined;
}
