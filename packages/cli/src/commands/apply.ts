import { ServiceBoard } from '@millrace/lag-monitor';
import { systemClock } from '@millrace/runtime';
import { openLog } from '../wiring/log.js';
import { Orders } from '../wiring/orders.js';
import { followerConfig } from '../wiring/pipeline.js';
import { superviseApplier } from '../wiring/services.js';
import { supervise } from '../wiring/supervisor.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';
import { awaitFollower } from './startup.js';

/** Log to one follower, until told to stop or until a fault needs an operator. */
export async function apply(context: CommandContext, name: string): Promise<number> {
  const loaded = readConfig(context);
  followerConfig(loaded, name);
  const logger = loggerFor(context, loaded, name);
  await awaitFollower(context, loaded, name);
  const log = await openLog(loaded, logger);
  try {
    await supervise(
      superviseApplier(loaded, name, log, logger),
      { board: new ServiceBoard(log), orders: new Orders(log), clock: systemClock, logger, onStop: 'throw' },
      context.signal,
    );
  } finally {
    await log.close();
  }
  return 0;
}
