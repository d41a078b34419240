import { ServiceBoard } from '@millrace/lag-monitor';
import { systemClock } from '@millrace/runtime';
import { openLog } from '../wiring/log.js';
import { Orders } from '../wiring/orders.js';
import { superviseCapture } from '../wiring/services.js';
import { supervise } from '../wiring/supervisor.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';
import { showSnapshot } from './snapshot-progress.js';
import { awaitLeader } from './startup.js';

/** Leader to log, until told to stop or until a fault needs an operator. */
export async function capture(context: CommandContext): Promise<number> {
  const loaded = readConfig(context);
  const logger = loggerFor(context, loaded, 'capture');
  await awaitLeader(context, loaded);
  const log = await openLog(loaded, logger);
  const supervised = superviseCapture(loaded, log, logger);
  const hide = showSnapshot(context, supervised);
  try {
    await supervise(
      supervised,
      { board: new ServiceBoard(log), orders: new Orders(log), clock: systemClock, logger, onStop: 'throw' },
      context.signal,
    );
  } finally {
    hide();
    await log.close();
  }
  return 0;
}
