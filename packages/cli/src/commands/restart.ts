import { Fault } from '@millrace/runtime';
import { openLog } from '../wiring/log.js';
import { followerConfig } from '../wiring/pipeline.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';
import { livingNote, orderAndWait } from './giving-orders.js';

/** Starts one service of a running process again, after its cause was mended; the others go on meanwhile. */
export async function restart(context: CommandContext, service: string): Promise<number> {
  const loaded = readConfig(context);
  if (service !== 'capture') followerConfig(loaded, service);
  const log = await openLog(loaded, loggerFor(context, loaded, 'restart'));
  try {
    const note = await livingNote(log, service);
    if (!note)
      throw new Fault('MR-1001', {
        detail: `no process runs ${service}`,
        remedy: `Start it: \`millrace ${service === 'capture' ? 'capture' : `apply ${service}`}\`, or \`millrace up\`.`,
      });
    await orderAndWait(context, log, service, 'restart');
    context.terminal.say(`${service}: started again in pid ${note.pid} on ${note.host}.`);
  } finally {
    await log.close();
  }
  return 0;
}
